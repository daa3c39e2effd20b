using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;

namespace ExpertCluster.Cluster.Experts;

/// <summary>A replica's network as its actor lends it to the device, and the rows that wait for it.</summary>
internal sealed class HostedExpert(ReplicaId replica, IExpertNetwork network, int maxQueuedRows)
{
    private IExpertNetwork? _network = network;
    private int _queuedRows;

    public ReplicaId Replica => replica;

    /// <summary>H.</summary>
    public int HiddenSize { get; } = network.HiddenSize;

    /// <summary>The network; null once it was freed. On the executor's thread.</summary>
    public IExpertNetwork? Network => _network;

    /// <summary>Whether no row waits for it.</summary>
    public bool IsIdle => Volatile.Read(ref _queuedRows) == 0;

    /// <summary>What it did; null before its first rows. On the executor's thread.</summary>
    public ReplicaCounters? Counters { get; set; }

    /// <summary>Rows that a sender may add now.</summary>
    public int Credits => Math.Max(0, maxQueuedRows - Volatile.Read(ref _queuedRows));

    /// <summary>
    /// Takes rows unless the queue is full; called by the replica's actor alone. An empty one takes any number, or a segment above the limit would
    /// never run.
    /// </summary>
    public bool TryQueue(int rows)
    {
        var queued = Volatile.Read(ref _queuedRows);
        if (queued > 0 && queued + rows > maxQueuedRows)
        {
            return false;
        }

        Interlocked.Add(ref _queuedRows, rows);
        return true;
    }

    /// <summary>Rows wait no more, whatever became of them.</summary>
    public void Leave(int rows) => Interlocked.Add(ref _queuedRows, -rows);

    /// <summary>Frees the network. On the executor's thread; segments that still wait are answered "not here".</summary>
    public void Free()
    {
        _network?.Dispose();
        _network = null;
    }
}
