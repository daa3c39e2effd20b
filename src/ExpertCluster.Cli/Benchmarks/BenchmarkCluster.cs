using ExpertCluster.Cli.Clusters;
using ExpertCluster.Client;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>The cluster of a benchmark: embedded nodes, or a gateway in this process and expert nodes in processes of their own.</summary>
internal sealed class BenchmarkCluster : IAsyncDisposable
{
    private readonly EmbeddedCluster _gateway;
    private readonly NodeProcesses? _experts;

    private BenchmarkCluster(EmbeddedCluster gateway, NodeProcesses? experts)
    {
        _gateway = gateway;
        _experts = experts;
    }

    public IExpertClusterClient Client => _gateway.Client;

    public string Model => _gateway.Model.Name;

    public static async Task<BenchmarkCluster> StartAsync(
        LayerBenchmarkSettings settings, string model, bool quiet, bool verbose, CancellationToken cancellationToken)
    {
        var options = new EmbeddedClusterOptions
        {
            Nodes = settings.Processes ? 1 : settings.Nodes,
            Threads = settings.ClusterThreads,
            Models = [model],
            Configure = (_, node) =>
            {
                if (settings.Processes)
                {
                    node.Node.Roles = [NodeOptions.GatewayRole];
                }
                else
                {
                    (node.Experts.Device, node.Experts.Dtype) = (settings.Device, Dtype(settings));
                }
            },
        };
        if (!settings.Processes)
        {
            return new BenchmarkCluster(await ClusterStart.EmbeddedAsync(options, quiet, verbose, cancellationToken), null);
        }

        var gateway = await EmbeddedCluster.StartAsync(options, logging => ClusterStart.AddLogging(logging, verbose), cancellationToken);
        NodeProcesses? experts = null;
        try
        {
            experts = NodeProcesses.Start(settings.Nodes, _ =>
            [
                "--role", NodeOptions.ExpertRole, "--seed", gateway.SeedEndpoint, "--model", model, "--threads", $"{settings.ClusterThreads}",
                "--min-expert-nodes", $"{settings.Nodes}", "--set", "Experts:Weight=1",
                "--set", $"Experts:Device={settings.Device}", "--set", $"Experts:Dtype={Dtype(settings)}",
            ]);
            using var progress = new LoadProgress(quiet);
            progress.Say($"starting {settings.Nodes} processes");
            await experts.OrFailedAsync(gateway.WhenReadyAsync(progress, cancellationToken));
            return new BenchmarkCluster(gateway, experts);
        }
        catch
        {
            experts?.Dispose();
            await gateway.DisposeAsync();
            throw;
        }
    }

    private static string Dtype(LayerBenchmarkSettings settings) => settings.IsBFloat16 ? "bfloat16" : "float32";

    public async ValueTask DisposeAsync()
    {
        _experts?.Dispose();
        await _gateway.DisposeAsync();
    }
}
