namespace ExpertCluster.Cluster.Gateway;

/// <summary>What a gateway holds for one model at this moment; written by its actor, read from anywhere.</summary>
public sealed class GatewayStatistics
{
    private int _active;
    private int _waiting;
    private long _kvBytes;
    private long _steps;
    private bool _closed;

    /// <summary>Sequences with a KV cache.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Requests that wait for their turn.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Bytes of KV cache granted: what sequences use, and what those that started lately are going to use for their prompts.</summary>
    public long KvBytes => Volatile.Read(ref _kvBytes);

    /// <summary>Steps computed so far.</summary>
    public long Steps => Volatile.Read(ref _steps);

    /// <summary>The gateway has stopped; it takes nothing more.</summary>
    public bool IsClosed => Volatile.Read(ref _closed);

    internal void Close() => Volatile.Write(ref _closed, true);

    internal void Set(int active, int waiting, long kvBytes)
    {
        Volatile.Write(ref _active, active);
        Volatile.Write(ref _waiting, waiting);
        Volatile.Write(ref _kvBytes, kvBytes);
    }

    internal void Stepped() => Interlocked.Increment(ref _steps);
}
