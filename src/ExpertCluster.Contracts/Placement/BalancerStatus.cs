namespace ExpertCluster.Contracts;

/// <summary>What the balancer is about, as published: one state that everybody can read.</summary>
/// <param name="Node">The node it runs on.</param>
/// <param name="State"><c>waiting</c>, <c>idle</c>, <c>repairing</c>, <c>moving</c>, <c>draining</c> or <c>suspended</c>.</param>
/// <param name="Detail">What that means now, in words.</param>
/// <param name="Moves">Copies that plans have made since the cluster began.</param>
/// <param name="BytesMoved">Weights they have read.</param>
/// <param name="Plans">Plans begun.</param>
/// <param name="RolledBack">Steps of plans that were undone.</param>
public sealed record BalancerStatus(
    NodeId Node, string State, string Detail, long Moves, long BytesMoved, long Plans, long RolledBack) : IClusterMessage;
