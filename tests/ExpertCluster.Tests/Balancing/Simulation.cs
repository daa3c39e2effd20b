using System.Collections.Immutable;
using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Tests.Balancing;

/// <summary>
/// A cluster in virtual time: nodes, messages that take their time or are lost, and the balancer as it runs in the actor. Every published
/// placement is held against the laws as it appears.
/// </summary>
internal sealed class Simulation
{
    public const string Model = "m";
    public const string Fingerprint = "f";
    public const long ExpertBytes = 40;

    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Random _random;
    private readonly int _layers;
    private readonly int _experts;
    private readonly BalancerOptions _options;
    private readonly RebalanceOptions _rebalance;
    private readonly PriorityQueue<Action, (DateTimeOffset At, int Order)> _events = new();
    private readonly Dictionary<ReplicaId, NodeId> _placedOn = [];
    private readonly Dictionary<int, LayerPlacement> _published = [];
    private int _order;
    private int _incarnation;
    private int _generation;
    private ClusterBalancer _balancer = null!;
    private Rebalancer _rebalancer = null!;

    public Simulation(int seed, int layers, int experts, BalancerOptions options, RebalanceOptions rebalance)
    {
        _random = new Random(seed);
        (_layers, _experts, _options, _rebalance) = (layers, experts, options, rebalance);
        Load = new SimulatedLoad(layers, experts);
        StartBalancer();
    }

    public DateTimeOffset Now { get; private set; } = Epoch;

    public List<SimulatedNode> Nodes { get; } = [];

    public SimulatedLoad Load { get; }

    public RecordedDecisions Decisions { get; } = new();

    public int Publications { get; private set; }

    public IReadOnlyDictionary<int, LayerPlacement> Published => _published;

    public ClusterBalancer Balancer => _balancer;

    /// <summary>Part of the reports that never arrive.</summary>
    public double LostReports { get; set; }

    public SimulatedNode Join(long memory, bool corrupt = false, double loadFailures = 0, string? address = null)
    {
        _incarnation++;
        var node = new SimulatedNode(new NodeId(address ?? $"akka.tcp://c@h{_incarnation}:1", _incarnation), memory) { IsCorrupt = corrupt, LoadFailures = loadFailures };
        Nodes.Add(node);
        MembersChanged();
        return node;
    }

    public void Crash(SimulatedNode node)
    {
        Nodes.Remove(node);
        MembersChanged();
    }

    public void Drain(SimulatedNode node, TimeSpan deadline)
    {
        node.IsDraining = true;
        MembersChanged();
        After(deadline, () => Leave(node));
    }

    public void CutOff(SimulatedNode node, TimeSpan time)
    {
        node.IsCutOff = true;
        MembersChanged();
        After(time, () =>
        {
            node.IsCutOff = false;
            MembersChanged();
        });
    }

    /// <summary>The balancer dies, and with it whatever it had not published; another one takes over.</summary>
    public void KillBalancer() => StartBalancer();

    public void After(TimeSpan delay, Action action) => _events.Enqueue(action, (Now + delay, _order++));

    public void RunUntil(DateTimeOffset end)
    {
        while (_events.TryPeek(out _, out var next) && next.At <= end)
        {
            var action = _events.Dequeue();
            Now = next.At;
            action();
            CheckNodes();
        }

        Now = end;
    }

    public void Run(TimeSpan time) => RunUntil(Now + time);

    /// <summary>What there is to know about an expert when something is wrong with it.</summary>
    public string Describe(int layer, int expert) => string.Join(Environment.NewLine, [
        .. Nodes.Select(n => $"{n.Id} holds {n.Used} of {n.Memory} bytes, draining {n.IsDraining}, corrupt {n.IsCorrupt}, cut off {n.IsCutOff}"),
        .. _balancer.Models[0].Of(layer, expert).Select(e => $"{e.Replica} on {e.Node}: {e.State}"),
        .. _balancer.Excluded(_balancer.Models[0]).Where(x => x.Layer == layer && x.Expert == expert).Select(x => $"excluded: {x.Node}"),
        .. Decisions.All.TakeLast(20).Select(d => d.ToString())]);

    private void Leave(SimulatedNode node)
    {
        if (Nodes.Contains(node))
        {
            Crash(node);
        }
    }

    private void StartBalancer()
    {
        _generation++;
        _balancer = new ClusterBalancer(
            _options, new MoveLimits(_rebalance.MaxConcurrentMoves, 0, _rebalance.StepTimeout),
            [new ModelPlacement(Model, [.. Enumerable.Range(0, _layers)], _experts, ExpertBytes, Fingerprint)], Decisions, NullLogger.Instance);
        _rebalancer = new Rebalancer(_rebalance, _options, _balancer, Load, NullLogger.Instance);
        foreach (var placement in _published.Values.OrderBy(p => p.Layer))
        {
            _balancer.Models[0].Adopt(placement);
        }

        MembersChanged();
        Tick(_generation);
    }

    private MemberView View()
    {
        var cutOff = Nodes.Count(n => n.IsCutOff);
        return new MemberView(
            Nodes.ToImmutableDictionary(n => n.Id, n => n.Description), cutOff, cutOff == 0 || (Nodes.Count - cutOff) * 2 > Nodes.Count);
    }

    private void MembersChanged()
    {
        _balancer.SetMembers(View());
        _balancer.Reconcile(Now);
        Publish();
    }

    /// <summary>What the actor's timers do.</summary>
    private void Tick(int generation)
    {
        if (generation != _generation)
        {
            return;
        }

        var model = _balancer.Models[0];
        _rebalancer.Evaluate(Now);
        _balancer.Reconcile(Now);
        Publish();
        if (_balancer.Members.HasMajority)
        {
            foreach (var entry in _balancer.DueStarts(model, Now))
            {
                entry.Told = Now;
                Send(entry.Node, entry.Replica, StartAt);
            }

            foreach (var order in _balancer.DueRetirements(model, Now))
            {
                Send(model.Find(order.Replica)!.Node, order.Replica, RetireAt);
            }
        }

        After(TimeSpan.FromMilliseconds(100), () => Tick(generation));
    }

    private void Publish()
    {
        if (!_balancer.Members.HasMajority)
        {
            return;
        }

        foreach (var placement in _balancer.TakeChanges())
        {
            Publications++;
            if (_published.TryGetValue(placement.Layer, out var before) && before.Epoch >= placement.Epoch)
            {
                throw new InvalidOperationException($"epoch {placement.Epoch} of layer {placement.Layer} follows {before.Epoch}");
            }

            foreach (var replica in placement.Replicas)
            {
                if (_placedOn.TryGetValue(replica.Replica, out var node) && node != replica.Node)
                {
                    throw new InvalidOperationException($"{replica.Replica} was on {node} and is on {replica.Node}");
                }

                _placedOn[replica.Replica] = replica.Node;
            }

            if (placement.Replicas.Where(r => r.State != ReplicaState.Draining).GroupBy(r => (r.Replica.Expert, r.Node)).FirstOrDefault(g => g.Count() > 1) is { } twice)
            {
                throw new InvalidOperationException($"expert {twice.Key.Expert} of layer {placement.Layer} is twice on {twice.Key.Node}");
            }

            _published[placement.Layer] = placement;
        }
    }

    private void Send(NodeId target, ReplicaId replica, Action<SimulatedNode, ReplicaId> arrive) => After(Latency(), () =>
    {
        if (Nodes.Find(n => n.Id == target && !n.IsCutOff) is { } node)
        {
            arrive(node, replica);
        }
    });

    private void StartAt(SimulatedNode node, ReplicaId replica)
    {
        if (node.Replicas.TryGetValue(replica, out var loaded))
        {
            Report(node, replica, loaded ? ReplicaOutcome.Ready : ReplicaOutcome.Loading);
        }
        else if (node.Used + ExpertBytes > node.Memory)
        {
            Report(node, replica, ReplicaOutcome.Refused);
        }
        else
        {
            node.Replicas[replica] = false;
            After(TimeSpan.FromMilliseconds(_random.Next(50, 3000)), () => Loaded(node, replica));
        }
    }

    private void Loaded(SimulatedNode node, ReplicaId replica)
    {
        if (!Nodes.Contains(node) || !node.Replicas.ContainsKey(replica))
        {
            return;
        }

        if (_random.NextDouble() < node.LoadFailures)
        {
            node.Replicas.Remove(replica);
            Report(node, replica, ReplicaOutcome.Failed);
        }
        else
        {
            node.Replicas[replica] = true;
            Report(node, replica, ReplicaOutcome.Ready);
        }
    }

    private void RetireAt(SimulatedNode node, ReplicaId replica)
    {
        node.Replicas.Remove(replica);
        Report(node, replica, ReplicaOutcome.Stopped);
    }

    private void Report(SimulatedNode node, ReplicaId replica, ReplicaOutcome outcome)
    {
        if (_random.NextDouble() < LostReports)
        {
            return;
        }

        After(Latency(), () =>
        {
            if (!node.IsCutOff)
            {
                _balancer.OnReport(
                    new ReplicaReport(Model, replica, node.Id, outcome, 0, outcome is ReplicaOutcome.Failed or ReplicaOutcome.Refused ? "no" : null, Probe(node, replica)), Now);
            }
        });
    }

    private static ReplicaProbe Probe(SimulatedNode node, ReplicaId replica) => new(
        RowType.Float32, $"{replica.Layer}/{replica.Expert}/{(node.IsCorrupt ? $"bad {node.Id}" : "good")}", "a", "cpu", [1f], 1f);

    private TimeSpan Latency() => TimeSpan.FromMilliseconds(_random.Next(1, 200));

    private void CheckNodes()
    {
        foreach (var node in Nodes)
        {
            if (node.Used > node.Memory)
            {
                throw new InvalidOperationException($"{node.Id} holds {node.Used} of {node.Memory} bytes");
            }
        }
    }
}
