using ExpertCluster.Cluster.Experts;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>What a replica did since it was loaded. Written by the device's thread alone, read from anywhere.</summary>
internal sealed class ReplicaCounters(string model, HostedExpert expert)
{
    private long _rows;
    private long _computeTicks;
    private long _queueTicks;
    private long _bytes;

    public string Model => model;

    public ReplicaId Replica => expert.Replica;

    /// <summary>Nothing will be added: its weights are freed.</summary>
    public bool IsOver => expert.Network is null;

    /// <summary>The totals as they were reported last; the reporter's own.</summary>
    public ReplicaWork Reported { get; set; } = new(expert.Replica, 0, 0, 0, 0);

    public ReplicaWork Total => new(
        Replica, Volatile.Read(ref _rows), Volatile.Read(ref _computeTicks) / TimeSpan.TicksPerMicrosecond,
        Volatile.Read(ref _queueTicks) / TimeSpan.TicksPerMicrosecond, Volatile.Read(ref _bytes));

    public void Add(int rows, TimeSpan compute, TimeSpan waited, long bytes)
    {
        Volatile.Write(ref _rows, _rows + rows);
        Volatile.Write(ref _computeTicks, _computeTicks + compute.Ticks);
        Volatile.Write(ref _queueTicks, _queueTicks + (waited.Ticks * rows));
        Volatile.Write(ref _bytes, _bytes + bytes);
    }
}
