namespace ExpertCluster.Cluster.Routing;

/// <summary>Counters of one layer's router; read from anywhere.</summary>
public sealed class RouterStatistics
{
    private readonly long[] _rows;
    private long _retries;
    private long _frames;
    private long _computeMicroseconds;

    /// <summary>Counters for that many experts.</summary>
    public RouterStatistics(int experts) => _rows = new long[experts];

    /// <summary>Segments sent again because a replica was gone, busy or late.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Frames sent.</summary>
    public long Frames => Volatile.Read(ref _frames);

    /// <summary>Device time of all answers, in microseconds.</summary>
    public long ComputeMicroseconds => Volatile.Read(ref _computeMicroseconds);

    /// <summary>Rows answered by each expert so far.</summary>
    public long[] Rows()
    {
        var copy = new long[_rows.Length];
        for (var i = 0; i < copy.Length; i++)
        {
            copy[i] = Volatile.Read(ref _rows[i]);
        }

        return copy;
    }

    internal void Answered(int expert, int rows) => Interlocked.Add(ref _rows[expert], rows);

    internal void Retried() => Interlocked.Increment(ref _retries);

    internal void Sent() => Interlocked.Increment(ref _frames);

    internal void Computed(long microseconds) => Interlocked.Add(ref _computeMicroseconds, microseconds);
}
