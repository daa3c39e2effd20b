using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Tests.Routing;

/// <summary>A frame that a router gave to the lane, answered as the test says.</summary>
internal sealed class LaneCall
{
    private readonly TaskCompletionSource<DispatchResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LaneCall(NodeId node, DispatchFrame frame)
    {
        (Node, Epoch, Remaining, Hidden, Segments) = (node, frame.Epoch, frame.Remaining, frame.HiddenSize, frame.Segments);
        Values = frame.Rows.Memory.ToArray();
    }

    public NodeId Node { get; }

    public long Epoch { get; }

    public TimeSpan Remaining { get; }

    public int Hidden { get; }

    public IReadOnlyList<DispatchSegment> Segments { get; }

    public float[] Values { get; }

    public int Rows => Segments.Sum(s => s.Rows);

    public Task<DispatchResult> Answered => _answer.Task;

    /// <summary>What expert e makes of a value: exact in float32 for small integers.</summary>
    public static float Expert(int expert, float value) => (value * (expert + 1)) + expert;

    public void Compute(int credits = 1000) => Answer(_ => new SegmentResult(SegmentStatus.Done, credits));

    public void Refuse(SegmentStatus status, int credits = 0, string? detail = null) => Answer(_ => new SegmentResult(status, credits, detail));

    public void Answer(Func<DispatchSegment, SegmentResult> result)
    {
        var rows = RowBuffer.Rent(Rows, Hidden);
        var output = rows.Memory.Span;
        output.Fill(float.NaN);
        var at = 0;
        var results = new List<SegmentResult>();
        foreach (var segment in Segments)
        {
            results.Add(result(segment));
            for (var i = 0; i < segment.Rows * Hidden; i++, at++)
            {
                if (results[^1].Status == SegmentStatus.Done)
                {
                    output[at] = Expert(segment.Replica.Expert, Values[at]);
                }
            }
        }

        _answer.SetResult(new DispatchResult(results, rows, 10));
    }

    public void Lose() => _answer.SetException(new NodeUnreachableException(Node, "its connection was lost"));
}
