using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Experts;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Load;

/// <summary>What a node has to do with load: its recorder, its reporter, and – should the balancer run here – the balancer's book and store.</summary>
internal sealed class LoadParts : IAsyncDisposable
{
    private readonly ExpertClusterOptions _options;
    private readonly IReadOnlyList<HostedModel> _models;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly TraceRecorder? _recorder;
    private readonly Lazy<BalancerStore> _store;

    /// <summary>Makes the files of a recording, if there is one.</summary>
    /// <exception cref="InvalidDataException">One can not be made; the message names it.</exception>
    public LoadParts(ExpertClusterOptions options, IReadOnlyList<HostedModel> models, TimeProvider time, ILogger log)
    {
        (_options, _models, _time, _log) = (options, models, time, log);
        _recorder = options.IsGateway ? TraceRecorder.Open(
            options.Load,
            [.. models.Select(m => new TracedModel(m.Name, m.Layers, m.Checkpoint.Shape.ExpertsPerLayer, m.Checkpoint.ExpertBytes))], time, log) : null;
        _store = new Lazy<BalancerStore>(
            () => BalancerStore.Open(StorePath.Of(options.Store, options.Node), options.Rebalance.History, time, log));
    }

    /// <summary>The store; null where no balancer has begun here.</summary>
    public BalancerStore? Store => _store.IsValueCreated ? _store.Value : null;

    /// <summary>For a balancer that starts here.</summary>
    public LoadKeeper Keeper() => new(
        [.. _models.Select(m => new LoadModel(m.Name, m.Checkpoint.Fingerprint, m.Layers, m.Checkpoint.Shape.ExpertsPerLayer))],
        _options.Load, () => _store.Value, _time, _log);

    /// <summary>Begins to report and to record.</summary>
    /// <param name="system">Where.</param>
    /// <param name="self">This node.</param>
    /// <param name="host">Its experts; null where it has none.</param>
    /// <param name="routed">Its routers.</param>
    /// <param name="balancer">Whom to tell.</param>
    public void Start(ActorSystem system, NodeId self, ExpertHost? host, IReadOnlyList<RoutedModel> routed, IActorRef balancer)
    {
        var options = _options.Load;
        var meter = new LoadMeter(self, [.. _models.Select(m => m.Name)], routed, host, options, _time);
        system.ActorOf(Props.Create(() => new LoadReporter(meter, balancer, options)), "load");
        _recorder?.Start(routed);
    }

    public async ValueTask DisposeAsync()
    {
        _recorder?.Dispose();
        if (_store.IsValueCreated)
        {
            await _store.Value.DisposeAsync().ConfigureAwait(false);
        }
    }
}
