namespace ExpertCluster.Contracts;

/// <summary>To a node: say that you are about to leave, or that you stay after all.</summary>
/// <param name="IsDraining">Whether its replicas are to move to others.</param>
public sealed record DrainNode(bool IsDraining) : IClusterMessage;
