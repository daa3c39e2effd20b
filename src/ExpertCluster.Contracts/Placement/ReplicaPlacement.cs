namespace ExpertCluster.Contracts;

/// <summary>One replica, the node it lives on and its state.</summary>
public sealed record ReplicaPlacement(ReplicaId Replica, NodeId Node, ReplicaState State);
