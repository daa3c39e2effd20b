using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>What users ask for changes, other experts are busy, and the balancer should follow – and only then.</summary>
internal sealed class DriftScenario : IDrillScenario
{
    /// <summary>Replicas that may move for one change of subject: half of folio-moe's 32 experts.</summary>
    private const int MoveBudget = 16;

    /// <inheritdoc/>
    public string Name => "drift";

    /// <inheritdoc/>
    public string Summary => "the traffic of a model with unequal experts turns from prose to code after the control phase";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Settings = ["Rebalance:SpareReplicas=2"] };

    /// <summary>Longer than three looks and the cool-down after a plan: the first placement knew no load, so the first plan is none for drift.</summary>
    public TimeSpan Quiet { get; } = TimeSpan.FromSeconds(50);

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new()
    {
        MinBalancednessGain = 0.25,
        MinBalancedness = 0.9,
        MaxP99Ratio = 1.5,
        MaxMoves = MoveBudget,
        MaxSteadyMoves = 0,
    };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        stage.Fault("the traffic turns from prose to code");
        stage.Traffic.Use(stage.Prompts.Turned);
        await Task.Delay(TimeSpan.FromSeconds(stage.PhaseSeconds), cancellationToken);
    }
}
