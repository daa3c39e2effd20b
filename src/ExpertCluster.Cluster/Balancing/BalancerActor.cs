using Akka.Actor;
using Akka.Cluster;
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
/// The only writer of placements, one in the cluster. Feeds a <see cref="ClusterBalancer"/> with members, reports and time, publishes what that
/// decides and gives its orders.
/// </summary>
internal sealed class BalancerActor : ReceiveActor, IWithTimers
{
    /// <summary>Name of the singleton.</summary>
    public const string SingletonName = "balancer";

    /// <summary>Reports come in bursts; one publication for all of a burst.</summary>
    private static readonly TimeSpan PublishDelay = TimeSpan.FromMilliseconds(50);

    /// <summary>How often orders that wait for their time are looked at.</summary>
    private static readonly TimeSpan StepInterval = TimeSpan.FromMilliseconds(100);

    private readonly BalancerOptions _options;
    private readonly PlacementBoard _board;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ClusterBalancer _balancer;
    private readonly Rebalancer _rebalancer;
    private readonly SlowNodes _slow;
    private readonly LoadKeeper _load;
    private readonly BalancerDesk _desk;
    private readonly PauseGuard _pause;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;
    private Action? _onNodesChanged;
    private BalancerStatus? _status;

    public BalancerActor(BalancerOptions options, Func<BalancerParts> create, PlacementBoard board, TimeProvider time, ILogger log)
    {
        _options = options;
        var parts = create();
        (_balancer, _rebalancer, _slow, _load, _desk) = (parts.Balancer, parts.Rebalancer, parts.Slow, parts.Load, parts.Desk);
        _board = board;
        _time = time;
        _log = log;
        _pause = new PauseGuard(time);

        Receive<Reconcile>(_ => ReconcileAll());
        Receive<ReplicaReport>(OnReport);
        Receive<Publish>(_ => PublishChanges());
        Receive<Step>(_ => OnStep());
        Receive<Retry>(_ => OnRetry());
        Receive<ClusterEvent.IReachabilityEvent>(_ => ReconcileAll());
        Receive<ClusterEvent.IClusterDomainEvent>(_ => { });
        Receive<IUpdateResponse>(_ => { });
        Receive<BalancerQuery>(query =>
        {
            Sender.Tell(_desk.Answer(query, _time.GetUtcNow()));
            ReconcileAll();
        });
        ReceiveAny(message =>
        {
            if (!_load.Receive(message))
            {
                Unhandled(message);
            }
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        foreach (var model in _balancer.Models)
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

        if (_board.Balancer is { } former)
        {
            // Counters go on where the former balancer stopped.
            (_balancer.Moves.Made, _balancer.Moves.BytesMade) = (former.Moves, former.BytesMoved);
            (_balancer.Moves.Plans, _balancer.Moves.RolledBack) = (former.Plans, former.RolledBack);
        }

        var self = Self;
        _onNodesChanged = () => self.Tell(Reconcile.Instance);
        _board.NodesChanged += _onNodesChanged;
        _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IReachabilityEvent));
        Timers.StartPeriodicTimer(nameof(Retry), Retry.Instance, _options.RetryInterval);
        Timers.StartPeriodicTimer(nameof(Step), Step.Instance, StepInterval);
        Self.Tell(Reconcile.Instance);
        _load.Begin(_replicator, Self);
    }

    protected override void PostStop()
    {
        _board.NodesChanged -= _onNodesChanged;
        _cluster.Unsubscribe(Self);
        foreach (var model in _balancer.Models)
        {
            BalancerLog.Ended(_log, model.Name, model.Epoch);
        }
    }

    private void ReconcileAll()
    {
        _balancer.IsLastToStop = CoordinatedShutdown.Get(Context.System).ShutdownReason is not null
            && _board.Nodes.Values.All(n => n.Node == PlacementActor.IdOf(_cluster.SelfUniqueAddress) || !n.Roles.Contains(NodeOptions.ExpertRole));
        _balancer.SetMembers(View());
        _balancer.Reconcile(_time.GetUtcNow());
        SchedulePublish();
    }

    private MemberView View()
    {
        var state = _cluster.State;
        var members = state.Members.Count(m => m.Status is MemberStatus.Up or MemberStatus.Leaving);
        var unreachable = state.Unreachable.Count(m => m.Status is MemberStatus.Up or MemberStatus.Leaving);

        // Half is enough for nobody: with two nodes each would go on without the other. A process that was stopped for long may not know yet that it was replaced.
        return new MemberView(_board.Nodes, unreachable, (unreachable == 0 || (members - unreachable) * 2 > members) && !_pause.IsInDoubt);
    }

    private void OnReport(ReplicaReport report)
    {
        _balancer.OnReport(report, _time.GetUtcNow());
        SchedulePublish();
        if (!Timers.IsTimerActive(nameof(Reconcile)))
        {
            // Reports come in bursts; one look at everything for all of a burst.
            Timers.StartSingleTimer(nameof(Reconcile), Reconcile.Instance, PublishDelay);
        }
    }

    private void SchedulePublish()
    {
        if (_balancer.Models.Any(m => m.IsDirty) && _balancer.Members.HasMajority && !Timers.IsTimerActive(nameof(Publish)))
        {
            Timers.StartSingleTimer(nameof(Publish), Publish.Instance, PublishDelay);
        }
    }

    private void PublishChanges()
    {
        if (!View().HasMajority)
        {
            // It stays dirty, and goes out when the others answer again – or never, where they go on without this node.
            return;
        }

        var now = _time.GetUtcNow();
        foreach (var model in _balancer.Models)
        {
            foreach (var placement in model.TakeChanges())
            {
                // This node's own board first: the allocation strategy reads it as soon as a replica is told to start.
                _board.Publish(placement);
                _load.Save(model.Fingerprint, placement);
                _load.Save(model.Fingerprint, placement);
                _replicator.Tell(Dsl.Update(
                    PlacementKeys.Layer(model.Name, placement.Layer), Register(placement), new WriteAll(TimeSpan.FromSeconds(2)),
                    register => register.WithValue(_cluster.SelfUniqueAddress, placement, EpochClock)));
            }

            TellToStart(model, now);
        }
    }

    /// <summary>Tells everybody what it is about, when that is news.</summary>
    private void PublishStatus()
    {
        var status = StatusReport.Of(PlacementActor.IdOf(_cluster.SelfUniqueAddress), _balancer, _rebalancer);
        if (status == _status || !_balancer.Members.HasMajority)
        {
            return;
        }

        _status = status;
        _board.SetBalancer(status);
        _replicator.Tell(Dsl.Update(
            PlacementKeys.Balancer, new LWWRegister<BalancerStatus>(_cluster.SelfUniqueAddress, status), WriteLocal.Instance,
            register => register.WithValue(_cluster.SelfUniqueAddress, status)));
    }

    private LWWRegister<LayerPlacement> Register(LayerPlacement placement) => new(_cluster.SelfUniqueAddress, placement, EpochClock);

    /// <summary>The newest epoch wins, whatever clocks say.</summary>
    private static long EpochClock(long timestamp, LayerPlacement placement) => placement.Epoch;

    private void TellToStart(ModelPlacement model, DateTimeOffset now)
    {
        foreach (var entry in _balancer.DueStarts(model, now))
        {
            if (TryTell(new StartReplica(model.Name, entry.Replica, entry.Node), model.Name, entry.Replica))
            {
                entry.Told = now;
            }
        }
    }

    /// <summary>False while this node still starts its regions, or stops them already; the next retry, here or elsewhere, tells it.</summary>
    private static bool TryTell(Contracts.IClusterMessage message, string model, ReplicaId replica)
    {
        var sharding = ClusterSharding.Get(Context.System);
        var type = ReplicaShards.TypeName(model, replica.Layer);
        if (!sharding.ShardTypeNames.Contains(type))
        {
            return false;
        }

        sharding.ShardRegion(type).Tell(message);
        return true;
    }

    private void OnStep()
    {
        _pause.Beat();
        if (_pause.IsInDoubt)
        {
            return;
        }

        var now = _time.GetUtcNow();
        _slow.Evaluate(now);
        _rebalancer.Evaluate(now);
        PublishStatus();
        if (_balancer.Moves.Active is not null)
        {
            ReconcileAll();
        }

        if (_balancer.Members.HasMajority && !_balancer.Models.Any(m => m.IsDirty))
        {
            foreach (var model in _balancer.Models)
            {
                foreach (var order in _balancer.DueRetirements(model, now))
                {
                    TryTell(order, order.Model, order.Replica);
                }
            }
        }
    }

    private void OnRetry()
    {
        ReconcileAll();
        _load.Book.Keep(_board.Nodes.Keys.ToHashSet());
        _load.Save(_replicator, _cluster.SelfUniqueAddress);
        var now = _time.GetUtcNow();
        foreach (var model in _balancer.Models)
        {
            if (!model.IsDirty && _balancer.Members.HasMajority)
            {
                TellToStart(model, now);
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

    private sealed record Step : INoSerializationVerificationNeeded
    {
        public static Step Instance { get; } = new();
    }
}
