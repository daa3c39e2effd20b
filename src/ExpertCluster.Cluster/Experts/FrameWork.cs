using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Experts;

/// <summary>
/// A frame under way in this node. Its segments go to their actors one by one; when the last has been taken or refused, those taken go to
/// the device together, and with their end the frame is answered: it is answered whole, so none of them loses by waiting.
/// </summary>
internal sealed class FrameWork
{
    /// <summary>An answer of up to so many values is sent from the executor's thread itself; a copy of more would keep the device waiting.</summary>
    private const int SmallAnswer = 16 * 1024;

    private readonly TaskCompletionSource<DispatchResult> _completion;
    private readonly SegmentWork[] _segments;
    private readonly Action<FrameWork> _ready;
    private int _unsettled;

    /// <summary>Begins a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="expires">Its deadline on the host's clock.</param>
    /// <param name="ready">Takes it to the device.</param>
    public FrameWork(DispatchFrame frame, TimeSpan expires, Action<FrameWork> ready)
    {
        Frame = frame;
        Expires = expires;
        _ready = ready;
        _segments = new SegmentWork[frame.Segments.Count];
        for (var i = 0; i < _segments.Length; i++)
        {
            _segments[i] = new SegmentWork(this, i, Rows, frame.Segments[i].Rows);
            Rows += frame.Segments[i].Rows;
        }

        Output = RowBuffer.Rent(Rows, frame.HiddenSize, frame.Rows.Type);
        _completion = new(Output.Length <= SmallAnswer
            ? TaskCreationOptions.None
            : TaskCreationOptions.RunContinuationsAsynchronously);
        _unsettled = _segments.Length;
        if (_unsettled == 0)
        {
            Answer(TimeSpan.Zero, TimeSpan.Zero);
        }
    }

    public DispatchFrame Frame { get; }

    public RowBuffer Output { get; }

    /// <summary>Its deadline on the host's clock.</summary>
    public TimeSpan Expires { get; }

    /// <summary>When its device queue got it, on the host's clock.</summary>
    public TimeSpan Arrived { get; set; }

    /// <summary>When it is due there.</summary>
    public TimeSpan Due { get; set; }

    /// <summary>Rows of all segments.</summary>
    public int Rows { get; }

    public IReadOnlyList<SegmentWork> Segments => _segments;

    public Task<DispatchResult> Completion => _completion.Task;

    /// <summary>A segment was taken or refused; from whichever thread.</summary>
    public void Settled()
    {
        if (Interlocked.Decrement(ref _unsettled) > 0)
        {
            return;
        }

        if (_segments.Any(segment => segment.Expert is not null))
        {
            _ready(this);
        }
        else
        {
            Answer(TimeSpan.Zero, TimeSpan.Zero);
        }
    }

    /// <summary>Answers the frame, once.</summary>
    /// <param name="compute">Its share of the device's time.</param>
    /// <param name="queued">What else passed since its segments were taken.</param>
    public void Answer(TimeSpan compute, TimeSpan queued) => _completion.TrySetResult(new DispatchResult(
        Array.ConvertAll(_segments, segment => segment.Result), Output, (long)compute.TotalMicroseconds, (long)queued.TotalMicroseconds));
}
