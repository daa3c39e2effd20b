using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>What a replica did lately: decayed sums.</summary>
/// <param name="Node">Where.</param>
/// <param name="Replica">The replica.</param>
/// <param name="Rows">Rows it computed.</param>
/// <param name="ComputeMicroseconds">The device's time for them, µs.</param>
/// <param name="QueueMicroseconds">How long they waited for the device, summed over rows, µs.</param>
/// <param name="Bytes">Bytes of rows that came and answers that went.</param>
public sealed record ReplicaLoad(
    NodeId Node, ReplicaId Replica, double Rows, double ComputeMicroseconds, double QueueMicroseconds, double Bytes);
