using ExpertCluster.Contracts;

namespace ExpertCluster.Transport;

/// <summary>A run of rows for one replica.</summary>
/// <param name="Replica">The replica.</param>
/// <param name="Rows">How many rows, at least 1.</param>
public readonly record struct DispatchSegment(ReplicaId Replica, int Rows);
