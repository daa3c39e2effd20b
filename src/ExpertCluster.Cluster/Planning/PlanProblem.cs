using ExpertCluster.Moe.Placement;

namespace ExpertCluster.Cluster.Planning;

/// <summary>What is to be placed, where, and what must hold. Nothing here depends on the order of the lists.</summary>
public sealed record PlanProblem
{
    /// <summary>Where replicas can be, any number; unlike in EPLB nothing has to divide anything.</summary>
    public required IReadOnlyList<PlanDevice> Devices { get; init; }

    /// <summary>The layers; each has its own number of experts.</summary>
    public required IReadOnlyList<PlanLayer> Layers { get; init; }

    /// <summary>Bytes of one expert's weights.</summary>
    public long ExpertBytes { get; init; } = 1;

    /// <summary>Most replicas of a layer, spare ones included, at least the experts of it. Null uses whatever the devices have room for.</summary>
    public int? ReplicasPerLayer { get; init; }

    /// <summary>Least copies of each expert, each on a device of its own; 1 or more.</summary>
    public int Copies { get; init; } = 1;

    /// <summary>
    /// So many devices may be lost, whichever they are, and every expert has a copy left: at least one copy more than that, spread over
    /// <see cref="PlanDevice.Domain"/>s as far as there are enough.
    /// </summary>
    public int SurviveLossOf { get; init; }

    /// <summary>Experts that must be on a device. A pin that no room can be made for is told in <see cref="PlacementPlan.Unmet"/>.</summary>
    public IReadOnlyList<PlanPlace> Pins { get; init; } = [];

    /// <summary>Experts that must not be on a device.</summary>
    public IReadOnlyList<PlanPlace> Exclusions { get; init; } = [];

    /// <summary>
    /// The group of each expert, [E], or null. All copies of a group's experts stay within one domain, chosen per layer (EPLB's hierarchical
    /// policy; DeepSeek-V3 routes a token to few groups). Applies to layers with so many experts.
    /// </summary>
    public IReadOnlyList<int>? Groups { get; init; }

    /// <summary>Experts of several layers that would like to share a device; a hint that yields to balance and to every limit.</summary>
    public ExpertColocation? Together { get; init; }
}
