namespace ExpertCluster.Cli.Drills;

/// <summary>What a drill judges by. A limit that is null is not judged; the figure is reported all the same.</summary>
internal sealed record DrillLimits
{
    /// <summary>The most requests without a full answer, over all phases.</summary>
    public double? MaxFailed { get; init; } = 0;

    /// <summary>The most answers with another token than the solo run's.</summary>
    public double? MaxWrong { get; init; } = 0;

    /// <summary>The longest time without a token for anybody while the fault acts, in seconds.</summary>
    public double? MaxGapSeconds { get; init; }

    /// <summary>Seconds from the fault until every expert has its copies again.</summary>
    public double? MaxCoverageSeconds { get; init; }

    /// <summary>p99 of the latency while the fault acts, by that of the control phase.</summary>
    public double? MaxP99Ratio { get; init; }

    /// <summary>Growth of memory of a process that lived all the time, by its memory after the warm-up; holds where
    /// <see cref="MaxMemoryGrowthMb"/> does.</summary>
    public double? MaxMemoryRatio { get; init; }

    /// <summary>The same growth in MiB.</summary>
    public double? MaxMemoryGrowthMb { get; init; }

    /// <summary>Growth of descriptors, and of threads, of such a process.</summary>
    public double? MaxHandleGrowth { get; init; }

    /// <summary>Balancedness of the hottest layer after by before; holds where <see cref="MinBalancedness"/> is reached.</summary>
    public double? MinBalancednessGain { get; init; }

    /// <summary>Balancedness that is good enough whatever it was.</summary>
    public double? MinBalancedness { get; init; }

    /// <summary>The most replicas moved.</summary>
    public double? MaxMoves { get; init; }

    /// <summary>The most replicas moved in the control phase, on steady traffic.</summary>
    public double? MaxSteadyMoves { get; init; }

    /// <summary>These limits, with those that were asked for in their place.</summary>
    public DrillLimits With(DrillLimits asked) => new()
    {
        MaxFailed = asked.MaxFailed ?? MaxFailed,
        MaxWrong = asked.MaxWrong ?? MaxWrong,
        MaxGapSeconds = asked.MaxGapSeconds ?? MaxGapSeconds,
        MaxCoverageSeconds = asked.MaxCoverageSeconds ?? MaxCoverageSeconds,
        MaxP99Ratio = asked.MaxP99Ratio ?? MaxP99Ratio,
        MaxMemoryRatio = asked.MaxMemoryRatio ?? MaxMemoryRatio,
        MaxMemoryGrowthMb = asked.MaxMemoryGrowthMb ?? MaxMemoryGrowthMb,
        MaxHandleGrowth = asked.MaxHandleGrowth ?? MaxHandleGrowth,
        MinBalancednessGain = asked.MinBalancednessGain ?? MinBalancednessGain,
        MinBalancedness = asked.MinBalancedness ?? MinBalancedness,
        MaxMoves = asked.MaxMoves ?? MaxMoves,
        MaxSteadyMoves = asked.MaxSteadyMoves ?? MaxSteadyMoves,
    };
}
