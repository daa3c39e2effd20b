using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.DistributedData;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Cluster.Sharding;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// The only writer of placements, one in the cluster. Gives every expert its replicas, starts them, and places again what a lost node held.
/// </summary>
internal sealed class BalancerActor : ReceiveActor, IWithTimers
{
    /// <summary>Name of the singleton.</summary>
    public const string SingletonName = "balancer";

    /// <summary>Reports come in bursts; one publication for all of a burst.</summary>
    private static readonly TimeSpan PublishDelay = TimeSpan.FromMilliseconds(50);

    private readonly BalancerOptions _options;
    private readonly PlacementBoard _board;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly IReadOnlyList<ModelPlacement> _models;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;
    private readonly Dictionary<(string Model, int Layer, int Expert, NodeId Node), (DateTimeOffset Until, string Reason)> _excluded = [];
    private readonly LoadKeeper? _load;
    private Action? _onNodesChanged;

    public BalancerActor(
        BalancerOptions options, IReadOnlyList<ModelPlacement> models, PlacementBoard board, TimeProvider time, ILogger log,
        LoadKeeper? load = null)
    {
        _options = options;
        _models = models;
        _board = board;
        _time = time;
        _log = log;
        _load = load;

        Receive<Reconcile>(_ => ReconcileAll());
        Receive<ReplicaReport>(OnReport);
        Receive<Publish>(_ => PublishChanges());
        Receive<Retry>(_ => OnRetry());
        Receive<IUpdateResponse>(_ => { });
        if (load is not null)
        {
            ReceiveAny(message =>
            {
                if (!load.Receive(message))
                {
                    Unhandled(message);
                }
            });
        }
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        foreach (var model in _models)
        {
            foreach (var layer in model.Layers)
            {
                if (_board.Routes(model.Name, layer) is { } routes)
                {
                    model.Adopt(routes.Placement);
                }
            }

            BalancerLog.Started(_log, model.Name, model.Epoch, model.Replicas.Count());
        }

        var self = Self;
        _onNodesChanged = () => self.Tell(Reconcile.Instance);
        _board.NodesChanged += _onNodesChanged;
        Timers.StartPeriodicTimer(nameof(Retry), Retry.Instance, _options.RetryInterval);
        Self.Tell(Reconcile.Instance);
        _load?.Begin(_replicator, Self);
    }

    protected override void PostStop() => _board.NodesChanged -= _onNodesChanged;

    private void ReconcileAll()
    {
        var now = _time.GetUtcNow();
        foreach (var (key, exclusion) in _excluded.ToArray())
        {
            if (exclusion.Until <= now)
            {
                _excluded.Remove(key);
            }
        }

        foreach (var model in _models)
        {
            ReconcileModel(model);
        }

        SchedulePublish();
    }

    private void ReconcileModel(ModelPlacement model)
    {
        if (IsLastToStop)
        {
            return;
        }

        var alive = _board.Nodes;
        foreach (var lost in model.Replicas.Where(e => !alive.ContainsKey(e.Node)).ToArray())
        {
            BalancerLog.ReplicaLost(_log, model.Name, lost.Replica, lost.Node);
            model.Remove(lost);
        }

        var nodes = alive.Values.Where(n => n.Roles.Contains(NodeOptions.ExpertRole)).ToArray();
        if (!model.IsPlanned && nodes.Length < _options.MinExpertNodes)
        {
            // No problem yet, only early: nothing is published.
            BalancerLog.Waiting(_log, model.Name, _options.MinExpertNodes, nodes.Length);
            return;
        }

        var usable = new List<PlanNode>();
        foreach (var node in nodes)
        {
            if (node.Models.TryGetValue(model.Name, out var fingerprint) && fingerprint == model.Fingerprint)
            {
                // The plan counts experts in float32, so a node that holds them in fewer bytes has that much more room.
                var free = node.MemoryBytes - UsedBytes(node);
                usable.Add(new PlanNode(node.Node, node.Weight, InFloat32(free, node.ExpertType(model.Name)), HeldBy(node.Node)));
            }
            else
            {
                BalancerLog.OtherCheckpoint(_log, model.Name, node.Node, fingerprint ?? "none", model.Fingerprint);
            }
        }

        var plan = StaticPlanner.Plan(new PlanRequest(
            usable,
            [.. model.Replicas.Select(e => (e.Replica.Layer, e.Replica.Expert, e.Node))],
            model.Missing(_options.Copies),
            model.ExpertBytes,
            _excluded.Keys.Where(k => k.Model == model.Name).Select(k => (k.Layer, k.Expert, k.Node)).ToHashSet(),
            model.Together));
        foreach (var (layer, expert, node) in plan.Assigned)
        {
            model.IsPlanned = true;
            model.Assign(layer, expert, node);
        }

        if (plan.Assigned.Count > 0)
        {
            BalancerLog.Planned(_log, model.Name, plan.Assigned.Count, usable.Count, plan.Unplaced.Count);
        }

        // A copy beyond the first that finds no node is no problem worth failing requests for: the first one answers.
        var covered = model.Replicas.Select(e => (e.Replica.Layer, e.Replica.Expert)).ToHashSet();
        SetProblems(model, plan.Unplaced.Where(u => !covered.Contains((u.Layer, u.Expert))).GroupBy(u => u.Layer)
            .ToDictionary(g => g.Key, g => $"{g.Count()} experts of layer {g.Key} have no node, since {g.First().Reason}{WhyExcluded(model, g.First().Layer, g.First().Expert)}"));
    }

    /// <summary>Whether this node stops and no other could take its experts: nothing is lost then, it only ends.</summary>
    private bool IsLastToStop => CoordinatedShutdown.Get(Context.System).ShutdownReason is not null
        && _board.Nodes.Values.All(n => n.Node == PlacementActor.IdOf(_cluster.SelfUniqueAddress) || !n.Roles.Contains(NodeOptions.ExpertRole));

    /// <summary>What the last node that tried said of an expert; empty where none did lately.</summary>
    private string WhyExcluded(ModelPlacement model, int layer, int expert)
    {
        var last = _excluded.Where(e => e.Key.Model == model.Name && e.Key.Layer == layer && e.Key.Expert == expert && e.Value.Reason.Length > 0)
            .OrderByDescending(e => e.Value.Until).Select(e => e.Value.Reason).FirstOrDefault();
        return last is null ? "" : $" – expert {expert}: {last}";
    }

    private void SetProblems(ModelPlacement model, Dictionary<int, string> problems)
    {
        foreach (var layer in model.Layers)
        {
            var problem = problems.GetValueOrDefault(layer);
            if (model.SetProblem(layer, problem))
            {
                BalancerLog.Problem(_log, model.Name, problem ?? "solved");
            }
        }
    }

    private long UsedBytes(NodeDescription node) => _models.Sum(
        m => m.ExpertBytes / sizeof(float) * node.ExpertType(m.Name).Size() * m.Replicas.Count(e => e.Node == node.Node));

    private static long InFloat32(long bytes, RowType type) =>
        (long)Int128.Min((Int128)bytes * sizeof(float) / type.Size(), long.MaxValue);

    private int HeldBy(NodeId node) => _models.Sum(m => m.Replicas.Count(e => e.Node == node));

    private void OnReport(ReplicaReport report)
    {
        if (_models.FirstOrDefault(m => m.Name == report.Model) is not { } model
            || model.Find(report.Replica) is not { } entry || entry.Node != report.Node)
        {
            return;
        }

        switch (report.Outcome)
        {
            case ReplicaOutcome.Loading:
                model.SetState(entry, ReplicaState.Loading);
                break;
            case ReplicaOutcome.Ready:
                model.SetState(entry, ReplicaState.Ready);
                break;
            default:
                // Refused, failed, or stopped – as on a node that is about to leave: not there again for a while.
                if (IsLastToStop)
                {
                    return;
                }

                if (report.Outcome == ReplicaOutcome.Stopped)
                {
                    BalancerLog.Stopped(_log, model.Name, report.Replica, report.Node);
                }
                else
                {
                    BalancerLog.GaveUp(_log, model.Name, report.Replica, report.Node, report.Outcome, report.Message ?? "");
                }

                model.Remove(entry);
                _excluded[(model.Name, report.Replica.Layer, report.Replica.Expert, report.Node)] =
                    (_time.GetUtcNow() + _options.ExclusionTime, report.Message ?? "");
                Self.Tell(Reconcile.Instance);
                break;
        }

        SchedulePublish();
    }

    private void SchedulePublish()
    {
        if (_models.Any(m => m.IsDirty) && !Timers.IsTimerActive(nameof(Publish)))
        {
            Timers.StartSingleTimer(nameof(Publish), Publish.Instance, PublishDelay);
        }
    }

    private void PublishChanges()
    {
        var now = _time.GetUtcNow();
        foreach (var model in _models)
        {
            foreach (var placement in model.TakeChanges())
            {
                // This node's own board first: the allocation strategy reads it as soon as a replica is told to start.
                _board.Publish(placement);
                _load?.Save(model.Fingerprint, placement);
                _replicator.Tell(Dsl.Update(
                    PlacementKeys.Layer(model.Name, placement.Layer), Register(placement), new WriteAll(TimeSpan.FromSeconds(2)),
                    register => register.WithValue(_cluster.SelfUniqueAddress, placement, EpochClock)));
            }

            TellToStart(model, now, onlyNew: true);
        }
    }

    private LWWRegister<LayerPlacement> Register(LayerPlacement placement) => new(_cluster.SelfUniqueAddress, placement, EpochClock);

    /// <summary>The newest epoch wins, whatever clocks say.</summary>
    private static long EpochClock(long timestamp, LayerPlacement placement) => placement.Epoch;

    private void TellToStart(ModelPlacement model, DateTimeOffset now, bool onlyNew)
    {
        var sharding = ClusterSharding.Get(Context.System);
        foreach (var entry in model.Replicas)
        {
            // A balancer that took over asks everyone once: what was ready then answers so now.
            if (entry.Told is null || (!onlyNew && entry.State != ReplicaState.Ready && now - entry.Told >= _options.RetryInterval))
            {
                if (sharding.ShardTypeNames.All(name => name != ReplicaShards.TypeName(model.Name, entry.Replica.Layer)))
                {
                    // This node still starts its regions, or stops them already; the next retry, here or elsewhere, tells it.
                    continue;
                }

                entry.Told = now;
                sharding.ShardRegion(ReplicaShards.TypeName(model.Name, entry.Replica.Layer))
                    .Tell(new StartReplica(model.Name, entry.Replica, entry.Node));
            }
        }
    }

    private void OnRetry()
    {
        ReconcileAll();
        _load?.Book.Keep(_board.Nodes.Keys.ToHashSet());
        _load?.Save(_replicator, _cluster.SelfUniqueAddress);
        var now = _time.GetUtcNow();
        foreach (var model in _models)
        {
            if (!model.IsDirty)
            {
                TellToStart(model, now, onlyNew: false);
            }
        }
    }

    private sealed record Reconcile : INoSerializationVerificationNeeded
    {
        public static Reconcile Instance { get; } = new();
    }

    private sealed record Publish : INoSerializationVerificationNeeded
    {
        public static Publish Instance { get; } = new();
    }

    private sealed record Retry : INoSerializationVerificationNeeded
    {
        public static Retry Instance { get; } = new();
    }
}
