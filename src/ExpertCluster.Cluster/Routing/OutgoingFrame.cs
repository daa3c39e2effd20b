using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Routing;

/// <summary>Segments that travel to one node together.</summary>
internal sealed class OutgoingFrame
{
    private OutgoingFrame(IReadOnlyList<RoutedSegment> parts, int rows)
    {
        Parts = parts;
        Rows = rows;
        SegmentOf = new int[parts.Count];
        for (var i = 1; i < parts.Count; i++)
        {
            // Rows of several requests for one replica lie together and are one product there.
            SegmentOf[i] = SegmentOf[i - 1] + (parts[i - 1].Replica == parts[i].Replica ? 0 : 1);
        }
    }

    /// <summary>In the order of their rows.</summary>
    public IReadOnlyList<RoutedSegment> Parts { get; }

    /// <summary>The frame's segment that each part belongs to.</summary>
    public int[] SegmentOf { get; }

    /// <summary>Rows of all parts.</summary>
    public int Rows { get; }

    /// <summary>Puts parts into as few frames as their order and size allow; a part larger than a frame is cut.</summary>
    public static IEnumerable<OutgoingFrame> Cut(List<RoutedSegment> parts, int maxRows)
    {
        for (var first = 0; first < parts.Count;)
        {
            var (count, rows) = (0, 0);
            while (first + count < parts.Count && (count == 0 || rows + parts[first + count].Rows <= maxRows))
            {
                rows += parts[first + count].Rows;
                count++;
            }

            if (count == 1 && rows > maxRows)
            {
                var part = parts[first];
                var rest = part.Segment with { Slots = part.Segment.Slots[maxRows..] };
                parts[first] = part with { Segment = part.Segment with { Slots = part.Segment.Slots[..maxRows] } };
                parts.Insert(first + 1, part with { Segment = rest });
                rows = maxRows;
            }

            yield return new OutgoingFrame(parts.GetRange(first, count), rows);
            first += count;
        }
    }

    /// <summary>
    /// Copies the rows of all parts together, as what the node's experts compute in, float32 while it is unknown. The frame's deadline is the
    /// latest of theirs.
    /// </summary>
    public DispatchFrame Gather(string model, int layer, long epoch, DateTimeOffset now, NodeDescription? node)
    {
        var hidden = Parts[0].Segment.Work.Rows.HiddenSize;

        // The lane counts a body in words of four bytes.
        var type = hidden % 2 == 0 ? node?.ExpertType(model) ?? RowType.Float32 : RowType.Float32;
        var buffer = RowBuffer.Rent(Rows, hidden, type);
        var segments = new DispatchSegment[SegmentOf[^1] + 1];
        var deadline = now;
        var at = 0;
        for (var i = 0; i < Parts.Count; i++)
        {
            var (replica, segment) = Parts[i];
            segments[SegmentOf[i]] = new DispatchSegment(replica, segments[SegmentOf[i]].Rows + segment.Slots.Length);
            deadline = segment.Work.Deadline > deadline ? segment.Work.Deadline : deadline;
            var source = segment.Work.Rows.Rows.Span;
            var topK = segment.Work.Rows.Routing.TopK;
            foreach (var slot in segment.Slots.Span)
            {
                RowTransfer.Put(source.Slice(slot / topK * hidden, hidden), buffer, at);
                at += hidden;
            }
        }

        return new DispatchFrame(model, layer, epoch, deadline - now, hidden, segments, buffer);
    }

    /// <summary>An answer as it is, if it holds every row; where it does not, all that it holds is of no use.</summary>
    public DispatchResult Checked(DispatchResult result) => result.Rows.Length >= (long)Rows * Parts[0].Segment.Work.Rows.HiddenSize
        ? result
        : new DispatchResult(
            [.. result.Segments.Select(s => new SegmentResult(SegmentStatus.Failed, s.Credits, "its answer is shorter than its frame"))],
            result.Rows, result.ComputeMicroseconds, result.QueueMicroseconds);
}
