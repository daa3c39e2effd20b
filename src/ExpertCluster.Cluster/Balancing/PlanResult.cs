using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>A plan.</summary>
/// <param name="Assigned">Where each wanted replica goes.</param>
/// <param name="Unplaced">Wanted replicas that no node can take, with the reason in words.</param>
public sealed record PlanResult(
    IReadOnlyList<(int Layer, int Expert, NodeId Node)> Assigned, IReadOnlyList<(int Layer, int Expert, string Reason)> Unplaced);
