using ExpertCluster.Contracts;
using ExpertCluster.Moe.Placement;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>What is to be placed.</summary>
/// <param name="Nodes">Nodes that may take replicas.</param>
/// <param name="Present">Replicas of this model that stay where they are.</param>
/// <param name="Wanted">Experts that need one more replica, one entry per replica.</param>
/// <param name="ExpertBytes">Bytes of one expert's weights in memory.</param>
/// <param name="Excluded">Nodes that may not take a certain expert now, as (layer, expert, node).</param>
/// <param name="Together">A hint: which experts, over layers, should share a node; null for none.</param>
public sealed record PlanRequest(
    IReadOnlyList<PlanNode> Nodes,
    IReadOnlyList<(int Layer, int Expert, NodeId Node)> Present,
    IReadOnlyList<(int Layer, int Expert)> Wanted,
    long ExpertBytes,
    IReadOnlySet<(int Layer, int Expert, NodeId Node)> Excluded,
    ExpertColocation? Together = null);
