namespace ExpertCluster.Cluster.Planning;

/// <summary>What to do, in order, and what it is expected to bring.</summary>
public sealed record PlacementPlan
{
    /// <summary>The steps in the order to carry them out; none when nothing is worth it.</summary>
    public required IReadOnlyList<PlanStep> Steps { get; init; }

    /// <summary>The layers in the order of their numbers.</summary>
    public required IReadOnlyList<PlanLayerSummary> Layers { get; init; }

    /// <summary>Where everything is afterwards: for each layer of <see cref="Layers"/> its replicas by expert and device.</summary>
    public required IReadOnlyList<IReadOnlyList<PlanReplica>> Placement { get; init; }

    /// <summary>What was wanted and cannot be, in words; empty when all is met.</summary>
    public required IReadOnlyList<string> Unmet { get; init; }

    /// <summary>Why this plan, or why none, in words with numbers.</summary>
    public required string Reason { get; init; }

    /// <summary>Copies to send.</summary>
    public int Moves => Steps.Count(s => s.Bytes > 0);

    /// <summary>Bytes to send.</summary>
    public long Bytes => Steps.Sum(s => s.Bytes);

    /// <summary>Seconds of transfer, one copy after the other.</summary>
    public TimeSpan Duration => TimeSpan.FromTicks(Steps.Sum(s => s.Duration.Ticks));

    /// <summary>Σ over layers of the largest device time now.</summary>
    public double TimeBefore => Layers.Sum(l => l.MaxTimeBefore);

    /// <summary>Σ over layers of the largest device time afterwards.</summary>
    public double TimeAfter => Layers.Sum(l => l.MaxTimeAfter);

    /// <summary>How much of <see cref="TimeBefore"/> the plan saves, relative; below 0 where lost copies and their load come back.</summary>
    public double Gain => TimeBefore > 0 ? (TimeBefore - TimeAfter) / TimeBefore : 0;
}
