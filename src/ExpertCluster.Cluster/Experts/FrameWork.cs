using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Experts;

/// <summary>A frame under way in this node: counts its segments down and completes with the last one.</summary>
internal sealed class FrameWork
{
    /// <summary>An answer of up to so many values is sent from the executor's thread itself; a copy of more would keep the device waiting.</summary>
    private const int SmallAnswer = 16 * 1024;

    private readonly TaskCompletionSource<DispatchResult> _completion;
    private readonly SegmentResult[] _results;
    private long _microseconds;
    private int _left;

    public FrameWork(DispatchFrame frame)
    {
        Frame = frame;
        _results = new SegmentResult[frame.Segments.Count];
        _left = _results.Length;
        Output = RowBuffer.Rent(frame.Segments.Sum(s => s.Rows), frame.HiddenSize, frame.Rows.Type);
        _completion = new(Output.Length <= SmallAnswer
            ? TaskCreationOptions.None
            : TaskCreationOptions.RunContinuationsAsynchronously);
        if (_left == 0)
        {
            _completion.SetResult(new DispatchResult(_results, Output, 0));
        }
    }

    public DispatchFrame Frame { get; }

    public RowBuffer Output { get; }

    public Task<DispatchResult> Completion => _completion.Task;

    public void Complete(int index, SegmentResult result, long microseconds)
    {
        _results[index] = result;
        Interlocked.Add(ref _microseconds, microseconds);
        if (Interlocked.Decrement(ref _left) == 0)
        {
            _completion.TrySetResult(new DispatchResult(_results, Output, Volatile.Read(ref _microseconds)));
        }
    }
}
