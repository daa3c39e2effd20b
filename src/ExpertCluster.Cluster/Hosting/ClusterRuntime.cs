using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Experts;
using ExpertCluster.Cluster.Faults;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Cluster.Lane;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Cluster.Operations;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Cluster.Sharding;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Models.Tokenization;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>
/// Everything one node runs on top of its actor system. <see cref="Prepare"/> does what can go wrong without a cluster – checkpoints, device,
/// libtorch – so that a node that can not serve never joins.
/// </summary>
public sealed class ClusterRuntime : IAsyncDisposable
{
    private readonly ExpertClusterOptions _options;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private readonly List<HostedModel> _models;
    private readonly IReadOnlyDictionary<string, ITextTokenizer?> _tokenizers;
    private readonly List<SequenceModel> _dense = [];
    private readonly DeviceExecutor _executor;
    private readonly DeviceExecutor _loader;
    private Task<IReadOnlyList<SequenceModel>> _denseLoading = Task.FromResult<IReadOnlyList<SequenceModel>>([]);
    private ImmutableDictionary<string, ModelGateway> _gateways = ImmutableDictionary<string, ModelGateway>.Empty;
    private IActorRef? _placement;
    private NodeDescription? _description;
    private ExpertHost? _host;
    private TensorLane? _lane;
    private LaneTls? _tls;
    private FaultSwitches? _faults;
    private readonly CutOffNotice _cutOff = new();
    private LoadParts? _load;

    private ClusterRuntime(
        ExpertClusterOptions options, TimeProvider time, ILoggerFactory logs, List<HostedModel> models,
        IReadOnlyDictionary<string, ITextTokenizer?> tokenizers, DeviceExecutor executor, DeviceExecutor loader)
    {
        _tokenizers = tokenizers;
        _options = options;
        _time = time;
        _logs = logs;
        _models = models;
        _executor = executor;
        _loader = loader;
    }

    /// <summary>Signalled when the others, or this node itself, found it cut off from the majority of the cluster: it serves no more, and ends.</summary>
    public CancellationToken CutOff => _cutOff.Token;

    /// <summary>What this node knows of placements and members.</summary>
    public PlacementBoard Board { get; } = new();

    /// <summary>The models it can open.</summary>
    public IReadOnlyList<HostedModel> Models => _models;

    /// <summary>The models it answers clients for, by name; empty on a node without the gateway role and before the start.</summary>
    public ImmutableDictionary<string, ModelGateway> Gateways => _gateways;

    /// <summary>The tokenizer of a model; null when its checkpoint has none, or this node is no gateway.</summary>
    public ITextTokenizer? Tokenizer(string model) => _tokenizers.GetValueOrDefault(model);

    /// <summary>This node; null before the start.</summary>
    public NodeDescription? Description => _description;

    /// <summary>Questions and orders of operators; null before the start.</summary>
    public ClusterOperations? Operations { get; private set; }

    /// <summary>Its experts; null before the start and on a node without the expert role.</summary>
    public ExpertHost? Host => _host;

    /// <summary>What a balancer on this node remembers; null where none has begun here.</summary>
    public BalancerStore? LoadStore => _load?.Store;

    /// <summary>Opens checkpoints, tokenizers and device, and asks for the ports.</summary>
    /// <exception cref="CheckpointException">A checkpoint is damaged or incomplete.</exception>
    /// <exception cref="ModelException">A configuration is wrong or not supported.</exception>
    /// <exception cref="TokenizerException">A tokenizer is damaged or of a kind not supported.</exception>
    /// <exception cref="InvalidDataException">A certificate of the lane can not be used.</exception>
    /// <exception cref="PortUnavailableException">A port is taken.</exception>
    /// <exception cref="LibTorchNotFoundException">libtorch is not to be found.</exception>
    public static ClusterRuntime Prepare(ExpertClusterOptions options, ILoggerFactory logs, TimeProvider time)
    {
        var models = new List<HostedModel>();
        DeviceExecutor? executor = null;
        LaneTls? tls = null;
        LoadParts? load = null;
        try
        {
            PortProbe.Require("ExpertCluster:Node:Port", options.Node.Host, options.Node.Port);
            PortProbe.Require("ExpertCluster:Lane:Port", options.Lane.BindHost ?? options.Node.Host, options.Lane.Port);
            tls = options.Lane.Tls.Load();
            foreach (var model in options.Models)
            {
                models.Add(new HostedModel(model.EffectiveName, ModelCheckpoint.Open(model.Path, model.LikeReference)));
            }

            load = new LoadParts(options, models, time, logs.CreateLogger<LoadParts>());

            // Tokenizers are pure parsing, libtorch mostly disk: together they take as long as the slower.
            var tokenizers = Task.Run(() => (IReadOnlyDictionary<string, ITextTokenizer?>)(options.IsGateway ? models : [])
                .ToDictionary(m => m.Name, m => OpenTokenizer(m, logs)));
            LibTorch.Load();
            var opened = tokenizers.GetAwaiter().GetResult();
            executor = OpenDevice(options.Experts);
            return new ClusterRuntime(options, time, logs, models, opened, executor, new DeviceExecutor(options.Experts.Device, 1)) { _tls = tls, _load = load };
        }
        catch
        {
            models.ForEach(m => m.Checkpoint.Dispose());
            executor?.DisposeAsync().AsTask().Wait();
            load?.DisposeAsync().AsTask().Wait();
            tls?.Dispose();
            throw;
        }
    }

    /// <summary>Joins the cluster and starts this node's part of it. Experts load afterwards, as the balancer says.</summary>
    /// <exception cref="JoinFailedException">The cluster did not take this node in time.</exception>
    public async Task StartAsync(ActorSystem system, CancellationToken cancellationToken)
    {
        // The dense part reads its tensors while the node joins.
        var dense = _denseLoading = _options.IsGateway ? LoadDenseAsync(cancellationToken) : _denseLoading;
        var cluster = Akka.Cluster.Cluster.Get(system);
        _faults = FaultSwitches.Open(_options.Faults, _time, _logs.CreateLogger<FaultSwitches>());
        _faults?.Attach(system);
        _cutOff.Attach(system, _options.Node.CutOffLinger, _time, _logs.CreateLogger<ClusterRuntime>());
        await ClusterJoin.JoinAsync(cluster, _options.Node, _time, cancellationToken).ConfigureAwait(false);

        var self = PlacementActor.IdOf(cluster.SelfUniqueAddress);
        _host = new ExpertHost(self, _options.Experts, _executor, _loader, _time, _logs.CreateLogger<ExpertHost>())
        {
            ExpectedExperts = (model, layer) => Board.Routes(model, layer)?.Placement.Replicas.Count(r => r.Node == self) ?? 1,
        };
        var lane = StartLane(system, self, _host);
        var endpoint = lane.Endpoint(_options.Node.Host);
        _description = new NodeDescription(
            self, [.. _options.Node.EffectiveRoles], _executor.Device, _executor.Threads, _options.Experts.MemoryBytes,
            _options.Experts.EffectiveWeight, null, _models.ToImmutableDictionary(m => m.Name, m => m.Checkpoint.Fingerprint),
            endpoint.ToString(), endpoint.SocketText)
        {
            ExpertTypes = _models.Where(m => _options.Experts.TypeOf(m.Checkpoint) == TorchSharp.torch.ScalarType.BFloat16)
                .ToImmutableDictionary(m => m.Name, _ => RowType.BFloat16),
        };
        var placement = new PlacementActor.Settings(
            Board, _description, [.. _models.Select(m => (m.Name, m.Layers))],
            draining => Describe(node => node with { IsDraining = draining }), _logs.CreateLogger<PlacementActor>());
        _placement = system.ActorOf(Props.Create(() => new PlacementActor(placement)), "placement");

        if (_options.Experts.Threads == 0)
        {
            var (executor, log) = (_executor, _logs.CreateLogger<ThreadShare>());
            Action<int> shared = threads => Describe(node => node with { Threads = threads });
            system.ActorOf(Props.Create(() => new ThreadShare(Environment.ProcessorCount, executor, shared, log)), "threads");
        }

        var balancer = system.ActorOf(
            ClusterSingletonProxy.Props(
                "/user/balancer-manager",
                ClusterSingletonProxySettings.Create(system).WithRole(NodeOptions.ExpertRole).WithSingletonName(BalancerActor.SingletonName)),
            "balancer-proxy");
        Operations = new ClusterOperations(system, Board, balancer);
        if (_options.HoldsExperts)
        {
            await new ExpertRegions(system, _options, _models, Board, _load!, _time, _logs).StartAsync(_host, balancer).ConfigureAwait(false);
        }

        var loaded = await dense.ConfigureAwait(false);
        for (var i = 0; i < loaded.Count; i++)
        {
            StartGateway(system, self, _models[i], loaded[i], lane);
        }

        var routed = _gateways.Values.Select(g => new RoutedModel(g.Name, g.Shape.MoeLayers.ToDictionary(layer => layer, g.Experts.Statistics)));
        _load!.Start(system, self, _options.HoldsExperts ? _host : null, [.. routed], balancer);
    }

    /// <summary>Tells the cluster where clients can reach this gateway.</summary>
    public void Announce(string gatewayEndpoint) => Describe(node => node with { GatewayEndpoint = gatewayEndpoint });

    /// <summary>
    /// Tells the cluster that this node is about to leave, and waits until its experts answer elsewhere. Returns at once on a node that holds none or was cut
    /// off, or where nobody stays who could take them.
    /// </summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        if (CutOff.IsCancellationRequested || !_options.HoldsExperts || _options.Node.DrainTimeout == TimeSpan.Zero || _description is not { } self || Board.HeldBy(self.Node) is var held && held == 0)
        {
            return;
        }

        var log = _logs.CreateLogger<ClusterRuntime>();
        HostingLog.Draining(log, held);
        Describe(node => node with { IsDraining = true });
        await new NodeDrain(Board, self.Node, _time, log).WaitAsync(_options.Node.DrainTimeout, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Frees everything, after the actor system has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        _lane?.Dispose();
        _faults?.Dispose();
        _tls?.Dispose();
        if (_load is not null)
        {
            await _load.DisposeAsync().ConfigureAwait(false);
        }

        // A start that failed may have left it under way, and what it computes with goes now.
        await _denseLoading.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).ConfigureAwait(false);
        foreach (var dense in _dense)
        {
            await dense.DisposeAsync().ConfigureAwait(false);
        }

        await _loader.DisposeAsync().ConfigureAwait(false);
        await _executor.DisposeAsync().ConfigureAwait(false);
        _models.ForEach(m => m.Checkpoint.Dispose());
        _host?.Dispose();
    }

    private void Describe(Func<NodeDescription, NodeDescription> change)
    {
        lock (_models)
        {
            if (_placement is not null && _description is not null)
            {
                _description = change(_description);
                _placement.Tell(new PlacementActor.Describe(_description));
            }
        }
    }

    /// <summary>A model whose tokenizer is of a kind nobody here runs is still good for token ids.</summary>
    private static ITextTokenizer? OpenTokenizer(HostedModel model, ILoggerFactory logs)
    {
        try
        {
            return TokenizerLoader.TryOpen(model.Checkpoint.Directory);
        }
        catch (TokenizerException e) when (e.IsOtherKind)
        {
            HostingLog.TokenizerOfAnotherKind(logs.CreateLogger<ClusterRuntime>(), model.Name, e.Message);
            return null;
        }
    }

    private static DeviceExecutor OpenDevice(ExpertHostOptions options)
    {
        try
        {
            return new DeviceExecutor(options.Device, options.EffectiveThreads, patience: options.Patience);
        }
        catch (ArgumentException e)
        {
            var reason = e.ParamName is null ? e.Message : e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal);
            throw new InvalidDataException($"ExpertCluster:Experts:Device = {options.Device}: {reason}", e);
        }
    }

    private async Task<IReadOnlyList<SequenceModel>> LoadDenseAsync(CancellationToken cancellationToken)
    {
        foreach (var model in _models)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var dense = await _executor.RunAsync(() => model.Checkpoint.LoadDense(_executor)).ConfigureAwait(false);
            _dense.Add(dense);
            await DenseWarmUp.RunAsync(dense, cancellationToken).ConfigureAwait(false);
        }

        return _dense;
    }

    /// <summary>Ends with the actor system, as the nodes that send to it would have it.</summary>
    private TensorLane StartLane(ActorSystem system, NodeId self, ExpertHost host)
    {
        var board = Board;
        var lane = _lane = TensorLane.Start(
            new LaneIdentity(self, AkkaConfiguration.SystemName, _options.Lane.SecretBytes) { Tls = _tls, Faults = _faults, MaxVersion = _options.Lane.MaxProtocolVersion }, _options.Lane.Listen(_options.Node.Host),
            _options.Lane.Limits, _faults?.Delay(host) ?? host, node => board.Nodes.GetValueOrDefault(node) is { } described
                ? LaneEndpoint.Parse(described.LaneEndpoint, described.LaneSocket) : null, _time,
            _logs.CreateLogger<TensorLane>());
        system.ActorOf(Props.Create(() => new LaneMembership(lane)), "lane");
        return lane;
    }

    private void StartGateway(
        ActorSystem system, NodeId self, HostedModel model, SequenceModel dense, TensorLane lane)
    {
        var routers = new Dictionary<int, (IActorRef, RouterStatistics)>();
        var (routerOptions, board, time) = (_options.Router, Board, _time);
        var routerLog = _logs.CreateLogger<RouterActor>();
        var shape = model.Checkpoint.Shape;
        foreach (var layer in model.Layers)
        {
            var statistics = new RouterStatistics(shape.ExpertsPerLayer);
            routers[layer] = (system.ActorOf(
                Props.Create(() => new RouterActor(
                    model.Name, layer, shape.ExpertsPerLayer, self, routerOptions, board, lane, statistics, time, routerLog)).WithDispatcher(InlineDispatcher.Path),
                $"router-{ReplicaShards.TypeName(model.Name, layer)}"), statistics);
        }

        var experts = new ClusterExperts(routers, _time);
        Func<string, DateTimeOffset, IExpertBackend> backend = experts.For;
        var gatewayOptions = _options.Gateway;
        var gatewayStatistics = new GatewayStatistics();
        var gatewayLog = _logs.CreateLogger<GatewayActor>();
        var actor = system.ActorOf(
            Props.Create(() => new GatewayActor(gatewayOptions, dense, shape, backend, gatewayStatistics, time, gatewayLog)), $"gateway-{model.Name}");
        _gateways = _gateways.SetItem(
            model.Name, new ModelGateway(model.Name, gatewayOptions, shape, dense, _tokenizers[model.Name], experts, gatewayStatistics, actor, _time));
    }
}
