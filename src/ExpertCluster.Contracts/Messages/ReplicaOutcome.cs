namespace ExpertCluster.Contracts;

/// <summary>What an expert actor can say of itself.</summary>
public enum ReplicaOutcome
{
    /// <summary>It reads its tensors.</summary>
    Loading = 0,

    /// <summary>It answers.</summary>
    Ready = 1,

    /// <summary>The node's memory budget has no room for it.</summary>
    Refused = 2,

    /// <summary>Its tensors could not be loaded.</summary>
    Failed = 3,

    /// <summary>It stopped as told, and its memory is free.</summary>
    Stopped = 4,
}
