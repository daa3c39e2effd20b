using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>An expert node stands still, as a machine that swaps or a virtual one that is moved, until long after the others gave it up.</summary>
internal sealed class PauseScenario : IDrillScenario
{
    /// <summary>How much longer than the others take to remove it.</summary>
    private static readonly TimeSpan Longer = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public string Name => "pause";

    /// <inheritdoc/>
    public string Summary => "SIGSTOP to an expert node until 10 s after it was removed, then SIGCONT";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new();

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => settings.Copies > 1
        ? new DrillLimits { MaxGapSeconds = 8, MaxCoverageSeconds = 20 } : new DrillLimits { MaxCoverageSeconds = 20 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var victim = stage.Cluster.Experts[stage.Cluster.Initial - 1];
        victim.MayEnd = true;
        stage.Fault($"SIGSTOP to {victim.Name}", victim);
        victim.Signal(NodeSignal.Pause);
        try
        {
            await stage.Watch.UntilAsync(s => !s.Members.Contains(victim.Address), $"{victim.Name} is removed", DrillStage.Patience, cancellationToken);
            stage.Note($"{victim.Name} is no member any more");
            var others = stage.Cluster.RunningExperts.Except([victim.Address]);
            await stage.Watch.CoveredAsync(stage.Settings.Copies, others, DrillStage.Patience, cancellationToken);
            stage.CoverageSeconds = stage.Clock.Now - stage.FaultAt;
            await Task.Delay(Longer, cancellationToken);
        }
        finally
        {
            victim.Signal(NodeSignal.Continue);
        }

        stage.Note($"SIGCONT to {victim.Name}");
        var resumed = stage.Clock.Now;
        await victim.EndAsync(DrillStage.Patience, cancellationToken);
        stage.Note($"{victim.Name} has ended with exit code {victim.ExitCode}");
        stage.Checks.Add(Check.AtMost("seconds until the node that was given up ends", stage.Clock.Now - resumed, 30));
        stage.Checks.Add(new Check("its exit code", victim.ExitCode ?? -1, 75, victim.ExitCode == 75));
    }
}
