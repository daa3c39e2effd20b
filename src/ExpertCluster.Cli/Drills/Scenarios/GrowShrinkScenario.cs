using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>Nodes come and go, some of them without a word, and what stays must not grow.</summary>
internal sealed class GrowShrinkScenario : IDrillScenario
{
    /// <summary>Every so many cycles the node that came is killed in place of drained.</summary>
    private const int KillEvery = 4;

    /// <inheritdoc/>
    public string Name => "grow-shrink";

    /// <inheritdoc/>
    public string Summary => $"--cycles times: an expert node joins, then leaves (SIGTERM; every {KillEvery}th time SIGKILL)";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Spare = 1 };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxMemoryRatio = 1.1, MaxMemoryGrowthMb = 64 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var guest = stage.Cluster.Experts[^1];
        for (var cycle = 1; cycle <= stage.Settings.Cycles; cycle++)
        {
            stage.Note($"cycle {cycle}");
            await stage.StartAsync(guest, cancellationToken);
            if (cycle % KillEvery == 0)
            {
                stage.Kill(guest);
                await guest.EndAsync(DrillStage.Patience, cancellationToken);
            }
            else
            {
                await stage.DrainAsync(guest, cancellationToken);
            }

            await stage.Watch.UntilAsync(s => !s.Members.Contains(guest.Address), $"{guest.Name} is removed", DrillStage.Patience, cancellationToken);
            await stage.Watch.CoveredAsync(stage.Settings.Copies, stage.Cluster.RunningExperts, DrillStage.Patience, cancellationToken);
        }
    }
}
