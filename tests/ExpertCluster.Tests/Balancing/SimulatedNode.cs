using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Balancing;

/// <summary>A node of a simulated cluster: what it truly holds, whatever the balancer believes.</summary>
internal sealed class SimulatedNode(NodeId id, long memory)
{
    public NodeId Id { get; } = id;

    public long Memory { get; } = memory;

    /// <summary>Replicas it holds or loads; true when loaded.</summary>
    public Dictionary<ReplicaId, bool> Replicas { get; } = [];

    public bool IsDraining { get; set; }

    /// <summary>Whether its disk turns weights into others.</summary>
    public bool IsCorrupt { get; init; }

    /// <summary>Part of its loads that fail.</summary>
    public double LoadFailures { get; set; }

    /// <summary>Whether others can not reach it.</summary>
    public bool IsCutOff { get; set; }

    public long Used => Replicas.Count * Simulation.ExpertBytes;

    public NodeDescription Description => new(
        Id, [NodeOptions.ExpertRole], "cpu", 1, Memory, 1, null,
        System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add(Simulation.Model, Simulation.Fingerprint), null)
    {
        IsDraining = IsDraining,
    };
}
