namespace ExpertCluster.Contracts;

/// <summary>To an expert actor: finish what you hold, free the weights, stop. Also sharding's hand-off stop message.</summary>
public sealed record StopReplica : IClusterMessage
{
    /// <summary>The only instance that is needed.</summary>
    public static StopReplica Instance { get; } = new();
}
