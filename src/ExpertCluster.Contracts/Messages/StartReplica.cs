namespace ExpertCluster.Contracts;

/// <summary>Balancer to shard region: this replica shall live (where the placement says) and report its state.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Replica">The replica; its shard is created when there is none.</param>
/// <param name="Node">The node the balancer assigned it to.</param>
public sealed record StartReplica(string Model, ReplicaId Replica, NodeId Node) : IClusterMessage;
