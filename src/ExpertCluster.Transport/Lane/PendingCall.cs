namespace ExpertCluster.Transport.Lane;

/// <summary>
/// A frame that waits for its answer. Whoever awaits it runs on the thread that brings it, and only passes it on. It counts as held until it
/// is over and its frame has left, whichever comes last: a peer that reads slowly, or answers what it never read, fills no queue beyond the
/// limits.
/// </summary>
internal sealed class PendingCall(int segments, int values, long bytes, long started, TimeSpan patience, LinkLoad load)
    : TaskCompletionSource<DispatchResult>, IMessageOwner
{
    private int _holds = 2;

    public int Segments => segments;

    public int Values => values;

    public long Started => started;

    public TimeSpan Patience => patience;

    /// <summary>Its frame.</summary>
    public LaneMessage Message { get; set; } = null!;

    public bool Answer(DispatchResult result) => TrySetResult(result);

    public void Fail(Exception error) => TrySetException(error);

    /// <summary>Nobody waits for the answer any more. Called once.</summary>
    public void Over() => Release();

    public void Left(LaneMessage message) => Release();

    private void Release()
    {
        if (Interlocked.Decrement(ref _holds) == 0)
        {
            load.Remove(bytes);
        }
    }
}
