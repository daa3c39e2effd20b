using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>An expert node is told to stop, as at a scale-down.</summary>
internal sealed class DrainScenario : IDrillScenario
{
    /// <inheritdoc/>
    public string Name => "drain";

    /// <inheritdoc/>
    public string Summary => "SIGTERM to an expert node that is not the oldest";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new();

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxP99Ratio = 2 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        await stage.DrainAsync(stage.Cluster.Experts[stage.Cluster.Initial - 1], cancellationToken);
        await stage.Watch.CoveredAsync(stage.Settings.Copies, stage.Cluster.RunningExperts, DrillStage.Patience, cancellationToken);
        stage.Note("every expert has its copies again");
    }
}
