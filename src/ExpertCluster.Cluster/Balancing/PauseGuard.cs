namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// Notices that this process did not run for a while – stopped, swapped, suspended. Others may have gone on without it in the meantime, so it
/// waits for news of the cluster before it writes.
/// </summary>
internal sealed class PauseGuard(TimeProvider time)
{
    /// <summary>A gap between two beats that no collection or busy machine explains, and in which others begin to miss heartbeats.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    /// <summary>Time in which this node hears of its removal, or notices that nobody answers it.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(8);

    private long _last = time.GetTimestamp();
    private long? _since;

    /// <summary>Whether it can not be told yet if others went on without this node.</summary>
    public bool IsInDoubt
    {
        get
        {
            // Asked before the first beat after a pause, too: messages may come before timers.
            if (_since is null && time.GetElapsedTime(_last) > Longest)
            {
                _since = time.GetTimestamp();
            }

            if (_since is { } since && time.GetElapsedTime(since) > Doubt)
            {
                _since = null;
                _last = time.GetTimestamp();
            }

            return _since is not null;
        }
    }

    /// <summary>Called several times a second.</summary>
    public void Beat()
    {
        _ = IsInDoubt;
        _last = time.GetTimestamp();
    }
}
