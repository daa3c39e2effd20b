using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>Every node is stopped in order and started again, one after the other, as at an update of the system below.</summary>
internal sealed class RollingRestartScenario : IDrillScenario
{
    /// <inheritdoc/>
    public string Name => "rolling-restart";

    /// <inheritdoc/>
    public string Summary => "each node, experts then gateways: SIGTERM, start again, wait until it is a member and all experts are ready";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Gateways = 2 };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxP99Ratio = 2 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        foreach (var node in stage.Cluster.Experts.Take(stage.Cluster.Initial).Concat(stage.Cluster.Gateways))
        {
            await stage.DrainAsync(node, cancellationToken);
            await stage.StartAsync(node, cancellationToken);
        }
    }
}
