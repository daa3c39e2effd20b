using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>An expert node dies without a word.</summary>
internal sealed class KillScenario(bool oldest) : IDrillScenario
{
    /// <inheritdoc/>
    public string Name => oldest ? "kill-oldest" : "kill";

    /// <inheritdoc/>
    public string Summary => oldest ? "SIGKILL to the oldest expert node, which runs the balancer" : "SIGKILL to an expert node that is not the oldest";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new();

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => settings.Copies > 1
        ? new DrillLimits { MaxGapSeconds = 3, MaxCoverageSeconds = oldest ? 20 : 10 }
        : new DrillLimits { MaxCoverageSeconds = oldest ? 20 : 10 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var victim = stage.Cluster.Experts[oldest ? 0 : stage.Cluster.Initial - 1];
        stage.Kill(victim);
        await stage.Watch.UntilAsync(s => !s.Members.Contains(victim.Address), $"{victim.Name} is removed", DrillStage.Patience, cancellationToken);
        stage.Note($"{victim.Name} is no member any more");
        await stage.Watch.CoveredAsync(stage.Settings.Copies, stage.Cluster.RunningExperts, DrillStage.Patience, cancellationToken);
        stage.Note("every expert has its copies again");
    }
}
