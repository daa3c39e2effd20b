namespace ExpertCluster.Cli.Planning;

/// <summary>A case planned one way.</summary>
internal sealed record CaseRun
{
    public required int Case { get; init; }

    public required string Kind { get; init; }

    public required string Shape { get; init; }

    /// <summary>"groups" with groups kept on a node, or "global".</summary>
    public required string Mode { get; init; }

    /// <summary>What the plan starts from: "nothing", "present", or "eplb", EPLB's plan for the loads before.</summary>
    public required string From { get; init; }

    /// <summary>The loads it is for: "load" or "load_next".</summary>
    public required string For { get; init; }

    public required double BalancednessMean { get; init; }

    public required double BalancednessMin { get; init; }

    public required int SecondCopies { get; init; }

    public required int ReplicasUsed { get; init; }

    /// <summary>Copies that a GPU must receive because it did not hold them.</summary>
    public required int Moves { get; init; }

    public required double Milliseconds { get; init; }

    /// <summary>The file's figures, where they are for the same.</summary>
    public double? FileMean { get; init; }

    public double? FileMin { get; init; }

    public double? FileSeconds { get; init; }

    /// <summary>Balancedness of the own port of EPLB on the same loads; null where it cannot plan them.</summary>
    public double? EplbMean { get; init; }

    public double? EplbMin { get; init; }

    /// <summary>Slots that EPLB's plan fills with another expert than is in them, not relabelled; null from nothing.</summary>
    public int? EplbSlotChanges { get; init; }

    /// <summary>The largest part of EPLB's slot changes that the planner's moves may be; null where there is no such rule.</summary>
    public double? MovesLimit { get; init; }

    public required IReadOnlyList<string> Unmet { get; init; }

    /// <summary>Expert of each slot afterwards, −1 for none, [layers][replicas]; only when asked for.</summary>
    public int[][]? Slots { get; init; }
}
