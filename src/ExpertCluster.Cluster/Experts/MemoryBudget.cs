namespace ExpertCluster.Cluster.Experts;

/// <summary>Bytes of expert weights a node may hold. Reserved before anything is read, so that a refusal costs nothing.</summary>
public sealed class MemoryBudget
{
    private long _used;

    /// <summary>A budget of that many bytes.</summary>
    public MemoryBudget(long limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        Limit = limit;
    }

    /// <summary>The most bytes.</summary>
    public long Limit { get; }

    /// <summary>Bytes reserved now.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Reserves bytes, or nothing.</summary>
    public bool TryReserve(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        while (true)
        {
            var used = Used;
            if (bytes > Limit - used)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _used, used + bytes, used) == used)
            {
                return true;
            }
        }
    }

    /// <summary>Gives bytes back.</summary>
    public void Release(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        while (true)
        {
            var used = Used;
            if (bytes > used)
            {
                throw new InvalidOperationException($"{bytes} bytes released, {used} are reserved.");
            }

            if (Interlocked.CompareExchange(ref _used, used - bytes, used) == used)
            {
                return;
            }
        }
    }
}
