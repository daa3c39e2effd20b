using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>A node as the planner sees it.</summary>
/// <param name="Node">The node.</param>
/// <param name="Weight">Its share relative to others; positive.</param>
/// <param name="FreeBytes">Bytes of weights it still takes.</param>
/// <param name="Held">Replicas it holds already, of all models.</param>
public sealed record PlanNode(NodeId Node, double Weight, long FreeBytes, int Held);
