using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Drills.Report;

/// <summary>Figures against limits.</summary>
internal static class DrillChecks
{
    /// <summary>All that a drill's limits ask for.</summary>
    public static IReadOnlyList<Check> Of(DrillLimits limits, DrillFigures figures)
    {
        var during = figures.Phases.First(p => p.Name == "during");
        var control = figures.Phases.First(p => p.Name == "control");
        var checks = new List<Check>
        {
            Check.AtLeast("verified answers of the phase with fewest", figures.Phases.Min(p => p.Answered - p.Wrong), figures.Answers),
            Check.AtLeast("offered by saturated answers/s", figures.OfferedPerSecond / figures.SaturatedPerSecond, figures.LoadShare),
        };
        AtMost("failed", figures.Phases.Sum(p => p.Failed), limits.MaxFailed);
        AtMost("wrong", figures.Phases.Sum(p => p.Wrong), limits.MaxWrong);
        AtMost("longest gap during, seconds", during.LongestGapSeconds, limits.MaxGapSeconds);
        AtMost("seconds to full coverage", figures.CoverageSeconds ?? double.NaN, limits.MaxCoverageSeconds);
        AtMost("p99 during ÷ control", during.P99Ms / control.P99Ms, limits.MaxP99Ratio);
        AtMost("moves", figures.Moves ?? double.NaN, limits.MaxMoves);
        AtMost("moves on steady traffic", figures.SteadyMoves ?? double.NaN, limits.MaxSteadyMoves);
        if (limits.MaxMemoryRatio is { } ratio)
        {
            foreach (var node in figures.Growth)
            {
                checks.Add(Memory(node, ratio, limits.MaxMemoryGrowthMb ?? 0));
            }
        }

        if (limits.MaxHandleGrowth is { } handles)
        {
            checks.AddRange(figures.Growth.Select(n => Check.AtMost($"descriptors or threads more, {n.Node}", n.HandleGrowth, handles)));
        }

        if (limits.MinBalancednessGain is { } gain)
        {
            checks.Add(Balance(figures, gain, limits.MinBalancedness ?? 1));
        }

        checks.Add(Check.AtMost("epochs of a layer that two nodes wrote", figures.DisputedEpochs, 0));
        checks.Add(Check.AtMost("times an actor crashed", figures.ActorCrashes, 0));
        checks.Add(Check.AtMost("times the balancer crashed", figures.BalancerRestarts, 0));
        checks.Add(Check.AtMost("nodes that ended untold", figures.Fallen, 0));
        return checks;

        void AtMost(string name, double value, double? limit)
        {
            if (limit is { } most)
            {
                checks.Add(Check.AtMost(name, value, most));
            }
        }
    }

    /// <summary>Flat is a small ratio or, for small processes, few MiB: whichever allows more.</summary>
    public static Check Memory(NodeGrowth node, double maxRatio, double maxGrowthMb) => node.MemoryGrowthMb <= maxGrowthMb
        ? Check.AtMost($"MiB more, {node.Node}", node.MemoryGrowthMb, maxGrowthMb)
        : Check.AtMost($"memory at the end ÷ after the warm-up, {node.Node}", node.MemoryRatio, maxRatio);

    private static Check Balance(DrillFigures figures, double minGain, double minReached)
    {
        var (before, after) = (figures.BalancednessBefore ?? double.NaN, figures.BalancednessAfter ?? double.NaN);
        return after >= minReached
            ? Check.AtLeast("balancedness of the hottest layer after", after, minReached)
            : Check.AtLeast("gain in balancedness of the hottest layer", after - before, minGain);
    }
}
