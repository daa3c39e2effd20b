using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Client;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>A cluster of node processes, each gateway and expert node as the README starts them, and a client over the network.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly NodeProcesses _nodes;

    private ProcessCluster(NodeProcesses nodes, ExpertClusterClient client)
    {
        _nodes = nodes;
        Client = client;
    }

    /// <summary>Talks to the first node; the SDK goes to another one only when that fails.</summary>
    public ExpertClusterClient Client { get; }

    /// <summary>Starts the processes and waits until every expert of the one model answers.</summary>
    public static async Task<ProcessCluster> StartAsync(
        int count, string model, int threads, int maxActive, bool quiet, CancellationToken cancellationToken)
    {
        using var progress = new LoadProgress(quiet);
        progress.Say($"starting {count} {(count == 1 ? "process" : "processes")}");
        var (port, gatewayPort) = FreePorts();
        var nodes = NodeProcesses.Start(count, index =>
        [
            "--port", index == 0 ? Number(port) : "0", "--seed", $"127.0.0.1:{Number(port)}", "--gateway-port", index == 0 ? Number(gatewayPort) : "0",
            "--model", model, "--threads", Number(threads), "--min-expert-nodes", Number(count), "--set", "Experts:Weight=1",
            "--set", $"Gateway:MaxActive={Number(maxActive)}",
        ]);
        try
        {
            var connecting = ExpertClusterClient.ConnectAsync(
                [$"127.0.0.1:{Number(gatewayPort)}"], new ExpertClusterClientOptions { ConnectTimeout = StartTimeout }, cancellationToken);
            await nodes.OrFailedAsync(connecting);
            var client = await connecting;
            try
            {
                await nodes.OrFailedAsync(WhenReadyAsync(client, progress, cancellationToken));
                return new ProcessCluster(nodes, client);
            }
            catch
            {
                await client.DisposeAsync();
                throw;
            }
        }
        catch
        {
            nodes.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        _nodes.Dispose();
    }

    private static async Task WhenReadyAsync(
        ExpertClusterClient client, LoadProgress progress, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookInterval);
        while (true)
        {
            var model = (await client.ListModelsAsync(cancellationToken)).Single();
            var total = model.Layers * model.ExpertsPerLayer;
            progress.Report((model.ReadyExperts, total));
            if (model.ReadyExperts == total)
            {
                return;
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    private static (int Port, int GatewayPort) FreePorts()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
