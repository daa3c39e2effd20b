using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>The node that runs the balancer dies while the balancer is at work for a node that came.</summary>
internal sealed class BalancerKillScenario : IDrillScenario
{
    /// <summary>Where no moves are told of: how long after the node came.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public string Name => "balancer-kill";

    /// <inheritdoc/>
    public string Summary => "a fourth expert node joins; when its first replica has moved, or after 3 s, SIGKILL to the node that runs the balancer";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Spare = 1 };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => settings.Copies > 1
        ? new DrillLimits { MaxGapSeconds = 3, MaxCoverageSeconds = 20 } : new DrillLimits { MaxCoverageSeconds = 20 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var (joined, oldest) = (stage.Cluster.Experts[^1], stage.Cluster.Experts[0]);
        await stage.StartAsync(joined, cancellationToken);
        try
        {
            await stage.Watch.UntilAsync(s => s.ReplicasByNode.GetValueOrDefault(joined.Address) > 0, "a replica moved", Pause, cancellationToken);
            stage.Note($"the first replica is on {joined.Name}");
        }
        catch (TimeoutException)
        {
            stage.Note($"no replica moved to {joined.Name} so far");
        }

        stage.Kill(oldest);
        await stage.Watch.UntilAsync(s => !s.Members.Contains(oldest.Address), $"{oldest.Name} is removed", DrillStage.Patience, cancellationToken);
        await stage.Watch.CoveredAsync(stage.Settings.Copies, stage.Cluster.RunningExperts, DrillStage.Patience, cancellationToken);
        stage.Note("every expert has its copies again");
    }
}
