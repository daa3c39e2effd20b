namespace ExpertCluster.Contracts;

/// <summary>Expert actor to balancer: what became of a replica.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Replica">The replica.</param>
/// <param name="Node">Where it lives.</param>
/// <param name="Outcome">Its state.</param>
/// <param name="Bytes">Bytes of weights it holds; 0 unless ready.</param>
/// <param name="Message">Why it failed or was refused; null otherwise.</param>
/// <param name="Probe">What it made of the probe; null unless ready.</param>
public sealed record ReplicaReport(
    string Model, ReplicaId Replica, NodeId Node, ReplicaOutcome Outcome, long Bytes, string? Message = null,
    ReplicaProbe? Probe = null) : IClusterMessage;
