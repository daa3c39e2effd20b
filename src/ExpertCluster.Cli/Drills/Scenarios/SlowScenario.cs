using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>One node lives and answers, but late.</summary>
internal sealed class SlowScenario : IDrillScenario
{
    private const int DelayMs = 200;

    /// <inheritdoc/>
    public string Name => "slow";

    /// <inheritdoc/>
    public string Summary => $"an expert node answers {DelayMs} ms later than it computed";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Faults = true };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxGapSeconds = 3 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var slow = stage.Cluster.Experts[stage.Cluster.Initial - 1];
        stage.Fault($"{slow.Name} answers {DelayMs} ms late");
        stage.Cluster.SetFaults(slow, [], DelayMs);
        await Task.Delay(TimeSpan.FromSeconds(stage.PhaseSeconds), cancellationToken);
        stage.Cluster.SetFaults(slow, [], 0);
        stage.Note($"{slow.Name} answers at once again");
    }
}
