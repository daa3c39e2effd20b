namespace ExpertCluster.Transport;

/// <summary>The answer to a frame: a status for each segment, and a row for each row whose segment is done.</summary>
public sealed class DispatchResult : IDisposable
{
    /// <summary>Makes an answer that owns its buffer.</summary>
    public DispatchResult(IReadOnlyList<SegmentResult> segments, RowBuffer rows, long computeMicroseconds, long queueMicroseconds = 0)
    {
        Segments = segments;
        Rows = rows;
        ComputeMicroseconds = computeMicroseconds;
        QueueMicroseconds = queueMicroseconds;
    }

    /// <summary>In the order of the frame's segments.</summary>
    public IReadOnlyList<SegmentResult> Segments { get; }

    /// <summary>
    /// Outputs, <c>[ΣRows, H]</c> in the frame's element type, at the same place as the inputs; rows of segments that are not done hold nothing of use.
    /// </summary>
    public RowBuffer Rows { get; }

    /// <summary>Time the device spent on this frame, in microseconds.</summary>
    public long ComputeMicroseconds { get; }

    /// <summary>The longest that one of its segments waited for the device, in microseconds.</summary>
    public long QueueMicroseconds { get; }

    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();
}
