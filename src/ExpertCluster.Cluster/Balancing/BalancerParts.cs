using ExpertCluster.Cluster.Load;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>What a balancer's actor drives; made anew for each.</summary>
/// <param name="Balancer">Keeps every expert placed.</param>
/// <param name="Rebalancer">Decides when to move.</param>
/// <param name="Slow">Finds nodes that are too slow.</param>
/// <param name="Load">What is known of load, and the store.</param>
/// <param name="Desk">Answers operators.</param>
internal sealed record BalancerParts(
    ClusterBalancer Balancer, Rebalancer Rebalancer, SlowNodes Slow, LoadKeeper Load, BalancerDesk Desk);
