namespace ExpertCluster.Transport.Lane;

/// <summary>A frame that waits for its answer. Whoever awaits it runs on the thread that brings it, and only passes it on.</summary>
internal sealed class PendingCall(int segments, int values, long bytes, long started, TimeSpan patience) : TaskCompletionSource<DispatchResult>
{
    public int Segments => segments;

    public int Values => values;

    public long Bytes => bytes;

    public long Started => started;

    public TimeSpan Patience => patience;

    public bool Answer(DispatchResult result) => TrySetResult(result);

    public void Fail(Exception error) => TrySetException(error);
}
