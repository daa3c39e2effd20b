using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Drills.Scenarios;

/// <summary>The network splits: the oldest expert node, which runs the balancer, and the gateway in use on the smaller side.</summary>
internal sealed class PartitionScenario : IDrillScenario
{
    private const string CutOffCode = "gateway_unavailable";

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    public string Name => "partition";

    /// <inheritdoc/>
    public string Summary => "the oldest expert node and the gateway in use are cut off from two expert nodes and another gateway";

    /// <inheritdoc/>
    public DrillShape Shape(DrillSettings settings) => new() { Gateways = 2, Faults = true };

    /// <inheritdoc/>
    public DrillLimits Limits(DrillSettings settings) => new() { MaxGapSeconds = 30, MaxCoverageSeconds = 30 };

    /// <inheritdoc/>
    public async Task RunAsync(DrillStage stage, CancellationToken cancellationToken)
    {
        var cluster = stage.Cluster;
        DrillNode[] minority = [cluster.Experts[0], cluster.Gateways[0]];
        DrillNode[] majority = [.. cluster.All.Except(minority)];
        using var probe = new GatewayProbe(minority[1].GatewayEndpoint!);
        Array.ForEach(minority, node => node.MayEnd = true);
        stage.Fault($"{string.Join(" and ", minority.Select(n => n.Name))} are cut off from {string.Join(", ", majority.Select(n => n.Name))}", minority[0]);
        Array.ForEach(minority, node => cluster.SetFaults(node, majority, 0));
        Array.ForEach(majority, node => cluster.SetFaults(node, minority, 0));

        var told = await UntilToldAsync(probe, minority[1], cancellationToken);
        stage.Note(told is { } answer ? $"{minority[1].Name} answers {answer.Code}, retryable {answer.Retryable}: {answer.Message}"
            : $"{minority[1].Name} ended without an answer");
        await stage.Watch.UntilAsync(
            s => minority.All(n => !s.Members.Contains(n.Address)), "the smaller side is removed", DrillStage.Patience, cancellationToken);
        stage.Note("the smaller side is no member any more");
        await stage.Watch.CoveredAsync(
            stage.Settings.Copies, cluster.Experts.Take(cluster.Initial).Except(minority).Select(n => n.Address), DrillStage.Patience, cancellationToken);
        stage.CoverageSeconds = stage.Clock.Now - stage.FaultAt;
        stage.Note("every expert has its copies on the larger side");
        foreach (var node in minority)
        {
            await node.EndAsync(DrillStage.Patience, cancellationToken);
            stage.Note($"{node.Name} has ended with exit code {node.ExitCode}");
            stage.Checks.Add(new Check($"exit code of {node.Name}, cut off", node.ExitCode ?? -1, 75, node.ExitCode == 75));
        }

        stage.Checks.Add(Check.That(
            $"the gateway that was cut off says so ({CutOffCode}, retryable)", told is { Code: CutOffCode, Retryable: true }));
        foreach (var node in majority)
        {
            cluster.SetFaults(node, [], 0);
        }
    }

    private static async Task<(string Code, bool Retryable, string Message)?> UntilToldAsync(
        GatewayProbe probe, DrillNode gateway, CancellationToken cancellationToken)
    {
        while (gateway.IsRunning)
        {
            if (await probe.AskAsync(cancellationToken) is { } told)
            {
                return told;
            }

            await Task.Delay(ProbeInterval, cancellationToken);
        }

        return null;
    }
}
