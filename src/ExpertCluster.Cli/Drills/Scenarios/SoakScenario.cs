using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>Nothing but load for a long time.</summary>
internal sealed class SoakScenario : IDrillScenario
{
    /// <inheritdoc/>
    public string Name => "soak";

    /// <inheritdoc/>
    public string Summary => "load for three times --seconds; memory, descriptors and threads must stay flat";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new();

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxMemoryRatio = 1.1, MaxMemoryGrowthMb = 64, MaxHandleGrowth = 16 };

    /// <inheritdoc/>
    public Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        stage.Note("no fault, only load");
        return Task.CompletedTask;
    }
}
