using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>Nodes of two versions serve together, and the older are replaced one by one.</summary>
internal sealed class UpgradeScenario : IDrillScenario
{
    /// <inheritdoc/>
    public string Name => "upgrade";

    /// <inheritdoc/>
    public string Summary => "all expert nodes speak the lane's previous version and are restarted one by one with the newest";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { ExpertSettings = _ => [Older] };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new();

    private const string Older = "Lane:MaxProtocolVersion=1";

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        foreach (var node in stage.Cluster.Experts.Take(stage.Cluster.Initial))
        {
            await stage.DrainAsync(node, cancellationToken);
            node.Arguments = [.. Without(node.Arguments)];
            await stage.StartAsync(node, cancellationToken);
        }

        // Links are opened on first use: the gateway's log says what each agreed on.
        var agreed = stage.Cluster.Gateways.SelectMany(g => g.Lines).ToArray();
        stage.Checks.Add(Check.AtLeast("links of the gateway in the previous version", agreed.Count(l => l.Contains("version 1", StringComparison.Ordinal)), 1));
        stage.Checks.Add(Check.AtLeast("links of the gateway in the newest version", agreed.Count(l => l.Contains("version 2", StringComparison.Ordinal)), 1));
    }

    private static IEnumerable<string> Without(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            if (i + 1 < arguments.Count && arguments[i + 1] == Older)
            {
                i++;
            }
            else
            {
                yield return arguments[i];
            }
        }
    }
}
