using ExpertCluster.Cli.Drills.Nodes;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>The gateway that the clients talk to dies; the SDK goes on at the other.</summary>
internal sealed class GatewayKillScenario : IDrillScenario
{
    /// <inheritdoc/>
    public string Name => "gateway-kill";

    /// <inheritdoc/>
    public string Summary => "SIGKILL to the gateway in use, one of two; clients go on at the other";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Gateways = 2 };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxGapSeconds = 3 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var victim = stage.Cluster.Gateways[0];
        stage.Kill(victim);
        await stage.Watch.UntilAsync(s => !s.Members.Contains(victim.Address), $"{victim.Name} is removed", DrillStage.Patience, cancellationToken);
        stage.Note($"{victim.Name} is no member any more");
    }
}
