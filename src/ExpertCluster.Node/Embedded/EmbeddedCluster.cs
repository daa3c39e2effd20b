using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using ExpertCluster.Client;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Node.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Node.Embedded;

/// <summary>
/// Several nodes in one process, each with its own actor system; between them lies the same remoting as between machines. The first node is
/// also the gateway.
/// </summary>
public sealed class EmbeddedCluster : IAsyncDisposable
{
    private readonly List<IHost> _hosts;

    private EmbeddedCluster(List<IHost> hosts, int seedPort)
    {
        _hosts = hosts;
        SeedEndpoint = $"127.0.0.1:{seedPort}";
    }

    /// <summary><c>HOST:PORT</c> through which further nodes, of this process or others, can join.</summary>
    public string SeedEndpoint { get; }

    /// <summary>The first node's runtime: board, gateways.</summary>
    public ClusterRuntime Gateway => Runtimes[0];

    /// <summary>All nodes' runtimes, in order.</summary>
    public IReadOnlyList<ClusterRuntime> Runtimes => [.. _hosts.Select(h => h.Services.GetRequiredService<ClusterRuntime>())];

    /// <summary>A client of the first node.</summary>
    public IExpertClusterClient Client => _hosts[0].Services.GetRequiredService<IExpertClusterClient>();

    /// <summary>The only model's gateway.</summary>
    public ModelGateway Model => Gateway.Gateways.Values.Single();

    /// <summary>Starts all nodes and returns when they have formed a cluster. Experts may still be loading: see <see cref="WhenReadyAsync"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static async Task<EmbeddedCluster> StartAsync(
        EmbeddedClusterOptions options, Action<ILoggingBuilder>? logging = null, CancellationToken cancellationToken = default)
    {
        options.Validate();
        var seed = FreePort();
        var hosts = new List<IHost>();
        for (var i = 0; i < options.Nodes; i++)
        {
            hosts.Add(Build(options, i, seed, logging));
        }

        var cluster = new EmbeddedCluster(hosts, seed);
        try
        {
            // Resolving a runtime opens checkpoint and device; an error there must come before any node has started.
            foreach (var host in hosts)
            {
                _ = host.Services.GetRequiredService<ClusterRuntime>();
            }

            options.BeforeStart?.Invoke(cluster.Gateway);
            await StartAllAsync(hosts, cancellationToken).ConfigureAwait(false);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Completes when every expert of every model answers; reports how many do on the way.</summary>
    /// <exception cref="InvalidOperationException">Experts fit on no node, with the balancer's reason.</exception>
    public async Task WhenReadyAsync(IProgress<(int Ready, int Total)>? progress = null, CancellationToken cancellationToken = default)
    {
        var board = Gateway.Board;
        var models = Gateway.Models;
        var total = models.Sum(m => m.Layers.Count * m.Checkpoint.Shape.ExpertsPerLayer);
        while (true)
        {
            var change = board.NextChange;
            if (models.All(m => board.IsComplete(m.Name, m.Layers)))
            {
                progress?.Report((total, total));
                return;
            }

            progress?.Report((models.Sum(m => board.ReadyExperts(m.Name, m.Layers)), total));

            if (models.Select(m => board.Problem(m.Name, m.Layers)).FirstOrDefault(p => p is not null) is { } problem)
            {
                throw new InvalidOperationException(problem);
            }

            await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends one node abruptly, without leaving: what a crash looks like to the others.</summary>
    public async Task CrashAsync(int node)
    {
        var system = _hosts[node].Services.GetRequiredService<ActorSystem>();
        await system.Terminate().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The whole cluster goes at once; nobody is left to hand anything over to.
        await Task.WhenAll(_hosts.Select(async host =>
        {
            if (host.Services.GetService<ActorSystem>() is { } system)
            {
                await system.Terminate().ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
        foreach (var host in _hosts)
        {
            await ((IAsyncDisposable)host).DisposeAsync().ConfigureAwait(false);
        }

        _hosts.Clear();
    }

    /// <summary>One that fails ends the wait for all: the others might wait for it to the end of their patience.</summary>
    private static async Task StartAllAsync(List<IHost> hosts, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? first = null;
        await Task.WhenAll(hosts.Select(async host =>
        {
            try
            {
                await host.StartAsync(failed.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref first, e, null);
                await failed.CancelAsync().ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
        if (first is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }

    private static IHost Build(EmbeddedClusterOptions options, int index, int seedPort, Action<ILoggingBuilder>? logging)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        logging?.Invoke(builder.Logging);
        builder.Services.AddExpertCluster(node =>
        {
            node.Node.Host = "127.0.0.1";
            node.Node.Port = index == 0 ? seedPort : 0;
            node.Node.Roles = index == 0 ? [NodeOptions.GatewayRole, NodeOptions.ExpertRole] : [NodeOptions.ExpertRole];
            node.Node.Seeds = index == 0 ? [] : [$"127.0.0.1:{seedPort}"];
            node.Experts.Threads = options.Threads;
            node.Experts.Weight = 1;
            node.Balancer.MinExpertNodes = options.Nodes;
            node.Models = [.. options.Models.Select(path => new ModelOptions { Path = path })];
            node.Store.Path = StoreOptions.InMemory;
            options.Configure?.Invoke(index, node);
        });
        return builder.Build();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
