namespace ExpertCluster.Contracts;

/// <summary>Where a replica is in its life.</summary>
public enum ReplicaState
{
    /// <summary>The balancer gave it a node; nothing is known to run there yet.</summary>
    Assigned = 0,

    /// <summary>Its actor runs and reads its tensors.</summary>
    Loading = 1,

    /// <summary>It answers. Routers send to replicas in this state only.</summary>
    Ready = 2,

    /// <summary>It finishes what it holds and takes nothing new.</summary>
    Draining = 3,
}
