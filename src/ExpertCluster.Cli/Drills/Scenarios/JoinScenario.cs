using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>A node is added.</summary>
internal sealed class JoinScenario : IDrillScenario
{
    /// <inheritdoc/>
    public string Name => "join";

    /// <inheritdoc/>
    public string Summary => "a fourth expert node joins";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Spare = 1 };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxP99Ratio = 2 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var joined = stage.Cluster.Experts[^1];
        stage.Fault($"{joined.Name} is added");
        await stage.StartAsync(joined, cancellationToken);

        // What a balancer that moves experts to it makes of it is seen for as long again as the control phase.
        await Task.Delay(TimeSpan.FromSeconds(Math.Max(0, stage.FaultAt!.Value + stage.PhaseSeconds - stage.Clock.Now)), cancellationToken);
        stage.Note($"{joined.Name} holds {stage.Watch.Seen[^1].ReplicasByNode.GetValueOrDefault(joined.Address)} replicas");
    }
}
