namespace ExpertCluster.Contracts;

/// <summary>Balancer to a replica that routers send to no more: finish what you hold, free the weights, report that you stopped.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Replica">The replica.</param>
public sealed record RetireReplica(string Model, ReplicaId Replica) : IClusterMessage;
