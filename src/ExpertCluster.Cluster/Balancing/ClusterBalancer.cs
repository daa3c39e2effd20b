using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// What the balancer decides, without actors, clocks of its own or threads: members and reports in, placements and orders out. Every expert keeps
/// its wanted copies; what is on a node that leaves is placed elsewhere before it goes; plans are carried out step by step.
/// </summary>
internal sealed class ClusterBalancer
{
    private readonly BalancerOptions _options;
    private readonly ILogger _log;
    private readonly List<ModelPlacement> _models;
    private readonly Exclusions _exclusions = new();
    private readonly ProbeBook _probes = new();
    private readonly Retirements _retirements;
    private readonly ReplicaPlacing _placing;
    private readonly Dictionary<NodeId, string> _demoted = [];
    private readonly HashSet<NodeId> _drained = [];

    public ClusterBalancer(
        BalancerOptions options, MoveLimits limits, IEnumerable<ModelPlacement> models, IDecisionLog decisions, ILogger log)
    {
        _options = options;
        _log = log;
        _models = [.. models];
        Decisions = decisions;
        Moves = new MoveRunner(limits, _exclusions);
        _retirements = new Retirements(options.RetireDelay, options.RetryInterval);
        _placing = new ReplicaPlacing(options, this, _exclusions, log);
    }

    public IReadOnlyList<ModelPlacement> Models => _models;

    public MemberView Members { get; private set; } = MemberView.Empty;

    public MoveRunner Moves { get; }

    public Pins Pins { get; } = new();

    public IDecisionLog Decisions { get; }

    /// <summary>Set while this node stops and no other could take its experts: nothing is lost then, it only ends.</summary>
    public bool IsLastToStop { get; set; }

    /// <summary>Set until it is known what a former cluster had placed where; nothing is placed for the first time before.</summary>
    public bool AwaitsFormer { get; set; }

    /// <summary>Nodes that are given nothing because they answer too slowly, with the reason.</summary>
    public IReadOnlyDictionary<NodeId, string> Demoted => _demoted;

    /// <summary>A node answers far slower than others: it keeps what nobody else can take. Reversed by <see cref="Reinstate"/>.</summary>
    public void Demote(NodeId node, string reason)
    {
        if (_demoted.TryAdd(node, reason))
        {
            BalancerLog.Demoted(_log, node, reason);
            Decisions.Add("", 0, "demote", node.HostPort, reason);
        }
    }

    public void Reinstate(NodeId node, string reason)
    {
        if (_demoted.Remove(node))
        {
            BalancerLog.Reinstated(_log, node, reason);
            Decisions.Add("", 0, "reinstate", node.HostPort, reason);
        }
    }

    public void SetMembers(MemberView members)
    {
        Members = members;
        _probes.Keep(members.Nodes.ContainsKey);
        Pins.Keep(members.Nodes.ContainsKey);
        foreach (var gone in _demoted.Keys.Where(n => !members.Nodes.ContainsKey(n)).ToArray())
        {
            _demoted.Remove(gone);
        }
    }

    /// <summary>Brings the placement nearer to what is wanted. Cheap when nothing is to be done.</summary>
    public void Reconcile(DateTimeOffset now)
    {
        _exclusions.Expire(now);
        if (IsLastToStop || !Members.HasMajority)
        {
            return;
        }

        foreach (var model in _models)
        {
            ReconcileModel(model, now);
        }

        NoteDrained();
        if (Moves.Active is { } active && _models.Find(m => m.Name == active.Model) is { } moving
            && Moves.Advance(moving, node => HasRoom(moving, node), _options.Copies, now) is { } ended)
        {
            BalancerLog.PlanEnded(_log, ended.Model, ended.Name, ended.Done, ended.Steps.Count, ended.RolledBack);
            Decisions.Add(
                ended.Model, moving.Epoch, "plan-ended", ended.Name,
                ended.RolledBack == 0 ? "all steps done" : $"given up: {ended.Steps.First(s => s.Problem is not null).Step}: {ended.Steps.First(s => s.Problem is not null).Problem}",
                ("steps", ended.Steps.Count), ("done", ended.Done), ("rolled-back", ended.RolledBack), ("bytes", ended.BytesRead), ("seconds", (now - ended.Started).TotalSeconds));
        }
    }

    /// <summary>An expert's actor says what became of it. What follows from it, the next <see cref="Reconcile"/> does.</summary>
    public void OnReport(ReplicaReport report, DateTimeOffset now)
    {
        if (_models.Find(m => m.Name == report.Model) is not { } model
            || model.Find(report.Replica) is not { } entry || entry.Node != report.Node)
        {
            return;
        }

        if (entry.State == ReplicaState.Draining && report.Outcome is ReplicaOutcome.Loading or ReplicaOutcome.Ready)
        {
            return;
        }

        switch (report.Outcome)
        {
            case ReplicaOutcome.Loading:
                // One that is ready does not load again under the same number: the report is late.
                if (entry.State == ReplicaState.Assigned)
                {
                    model.SetState(entry, ReplicaState.Loading);
                }

                break;
            case ReplicaOutcome.Ready when entry.State != ReplicaState.Ready && !_probes.Knows(model.Name, report.Replica)
                && model.Of(report.Replica.Layer, report.Replica.Expert).Any(e => e.State == ReplicaState.Ready):
                // This balancer is new: one that serves already sets the measure, and it is asked for it. This one is asked again, too.
                break;
            case ReplicaOutcome.Ready:
                OnReady(model, entry, report, now);
                break;
            case ReplicaOutcome.Stopped when entry.State == ReplicaState.Draining:
                model.Remove(entry);
                break;
            default:
                OnLoss(model, entry, report, now);
                break;
        }
    }

    /// <summary>The changed layers of all models, under new epochs.</summary>
    public IEnumerable<LayerPlacement> TakeChanges() => _models.SelectMany(m => m.TakeChanges());

    /// <summary>Replicas that are due to be told to start, and to say what they are: new ones, and those that have not answered for a while. A balancer that
    /// took over asks everyone: what was ready then answers so now.</summary>
    public IReadOnlyList<ModelPlacement.Entry> DueStarts(ModelPlacement model, DateTimeOffset now) => [.. model.Replicas.Where(
        e => e.State != ReplicaState.Draining && (e.Told is null || (!e.IsConfirmed && now - e.Told >= _options.RetryInterval)))];

    /// <summary>Orders that are due to replicas that are to go.</summary>
    public IEnumerable<RetireReplica> DueRetirements(ModelPlacement model, DateTimeOffset now) => _retirements.Due(model, now);

    /// <summary>Nodes that are not asked for certain experts now.</summary>
    public IReadOnlySet<(int Layer, int Expert, NodeId Node)> Excluded(ModelPlacement model) => _exclusions.Of(model.Name);

    /// <summary>Nodes that are to hold nothing.</summary>
    public IReadOnlySet<NodeId> Leaving() =>
        Members.Nodes.Values.Where(n => n.IsDraining || _demoted.ContainsKey(n.Node)).Select(n => n.Node).ToHashSet();

    /// <summary>Expert nodes that have the model's checkpoint and stay.</summary>
    public IReadOnlyList<NodeDescription> Usable(ModelPlacement model) => [.. Members.Nodes.Values.Where(
        n => IsExpertNode(n) && !n.IsDraining && !_demoted.ContainsKey(n.Node) && n.Models.GetValueOrDefault(model.Name) == model.Fingerprint)];

    /// <summary>Bytes of weights a node holds or was promised, of all models.</summary>
    public long UsedBytes(NodeDescription node) => _models.Sum(
        m => BytesOn(m, node) * m.Replicas.Count(e => e.Node == node.Node));

    /// <summary>Bytes one expert takes on a node.</summary>
    public static long BytesOn(ModelPlacement model, NodeDescription node) => model.ExpertBytes / sizeof(float) * node.ExpertType(model.Name).Size();

    private static bool IsExpertNode(NodeDescription node) => node.Roles.Contains(NodeOptions.ExpertRole);

    /// <summary>Whether a node may take one more expert of a model.</summary>
    public bool HasRoom(ModelPlacement model, NodeId node) => Members.Nodes.TryGetValue(node, out var described)
        && !described.IsDraining && UsedBytes(described) + BytesOn(model, described) <= described.MemoryBytes;

    /// <summary>Takes a copy that agrees with the others, and turns away one that doesn't.</summary>
    private void OnReady(ModelPlacement model, ModelPlacement.Entry entry, ReplicaReport report, DateTimeOffset now)
    {
        if (_probes.Check(model.Name, report.Replica, report.Node, report.Probe, out var outvoted) is { } difference)
        {
            TurnAway(model, entry, difference, now);
            return;
        }

        entry.IsConfirmed = true;
        model.SetState(entry, ReplicaState.Ready);
        if (outvoted is not null)
        {
            _exclusions.Forgive(model.Name, report.Replica.Layer, report.Replica.Expert);
        }

        if (outvoted is not null && model.Find(outvoted.Value) is { } former)
        {
            TurnAway(model, former, $"copies on two other nodes agree with each other and not with it, last {report.Replica} on {report.Node.HostPort}", now);
        }
    }

    private void TurnAway(ModelPlacement model, ModelPlacement.Entry entry, string difference, DateTimeOffset now)
    {
        BalancerLog.GaveUp(_log, model.Name, entry.Replica, entry.Node, ReplicaOutcome.Failed, difference);
        Decisions.Add(model.Name, model.Epoch, "probe-failed", entry.Replica.ToString(), $"on {entry.Node.HostPort}: {difference}");
        _exclusions.Add(model.Name, entry.Replica, entry.Node, now + _options.ProbeExclusion, difference);
        Retirements.Begin(model, entry, now);
    }

    private void OnLoss(ModelPlacement model, ModelPlacement.Entry entry, ReplicaReport report, DateTimeOffset now)
    {
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
            Decisions.Add(
                model.Name, model.Epoch, "replica-given-up", report.Replica.ToString(), $"{report.Node.HostPort} says: {report.Outcome}: {report.Message}");
        }

        model.Remove(entry);
        _exclusions.Add(model.Name, report.Replica, report.Node, now + _options.ExclusionTime, report.Message ?? "");
    }

    private void ReconcileModel(ModelPlacement model, DateTimeOffset now)
    {
        DropLost(model, now);
        var nodes = Members.Nodes.Values.Where(IsExpertNode).ToArray();
        if (!model.IsPlanned && nodes.Length < _options.MinExpertNodes)
        {
            // No problem yet, only early: nothing is published.
            BalancerLog.Waiting(_log, model.Name, _options.MinExpertNodes, nodes.Length);
            return;
        }

        if (!model.IsPlanned && AwaitsFormer)
        {
            return;
        }

        foreach (var node in nodes.Where(n => n.Models.GetValueOrDefault(model.Name) != model.Fingerprint))
        {
            BalancerLog.OtherCheckpoint(_log, model.Name, node.Node, node.Models.GetValueOrDefault(model.Name) ?? "none", model.Fingerprint);
        }

        if (!model.IsPlanned)
        {
            _placing.PlaceAsBefore(model);
        }

        var leaving = Leaving();
        KeepLastOnes(model);
        _placing.Fill(model, leaving);
        RetireLeaving(model, leaving, now);
    }

    private void DropLost(ModelPlacement model, DateTimeOffset now)
    {
        var lost = model.Replicas.Where(e => !Members.Nodes.ContainsKey(e.Node)).ToArray();
        foreach (var entry in lost)
        {
            BalancerLog.ReplicaLost(_log, model.Name, entry.Replica, entry.Node);
            model.Remove(entry);
        }

        if (lost.Length == 0)
        {
            return;
        }

        foreach (var node in lost.GroupBy(e => e.Node))
        {
            Decisions.Add(
                model.Name, model.Epoch, "node-lost", node.Key.HostPort, $"{node.Count()} replicas were on {node.Key}, which is gone", ("replicas", node.Count()));
        }

        if (Moves.Active?.Model == model.Name)
        {
            Moves.Abort(model, $"{lost[0].Node.HostPort} was lost", now);
        }
    }

    /// <summary>A copy that was about to go stays when it has become the only one.</summary>
    private static void KeepLastOnes(ModelPlacement model)
    {
        if (model.Replicas.All(e => e.State != ReplicaState.Draining))
        {
            return;
        }

        foreach (var expert in model.Replicas.GroupBy(e => (e.Replica.Layer, e.Replica.Expert)).ToArray())
        {
            if (expert.All(e => e.State != ReplicaState.Ready) && expert.FirstOrDefault(e => e.State == ReplicaState.Draining && e.ToldToGo is null) is { } last)
            {
                _ = Retirements.TryKeep(model, last);
            }
        }
    }

    /// <summary>What is on a node that leaves goes when others answer in its place.</summary>
    private static void RetireLeaving(ModelPlacement model, IReadOnlySet<NodeId> leaving, DateTimeOffset now)
    {
        if (leaving.Count == 0)
        {
            return;
        }

        foreach (var expert in model.Replicas.GroupBy(e => (e.Replica.Layer, e.Replica.Expert)).ToArray())
        {
            var staying = expert.Where(e => !leaving.Contains(e.Node) && e.State != ReplicaState.Draining).ToList();
            foreach (var entry in expert.Where(e => leaving.Contains(e.Node) && e.State != ReplicaState.Draining))
            {
                if (staying.Count > 0 && staying.All(e => e.State == ReplicaState.Ready))
                {
                    Retirements.Begin(model, entry, now);
                }
            }
        }
    }

    private void NoteDrained()
    {
        _drained.RemoveWhere(n => Members.Nodes.GetValueOrDefault(n)?.IsDraining != true);
        foreach (var node in Members.Nodes.Values.Where(n => n.IsDraining && HeldBy(n.Node) == 0 && _drained.Add(n.Node)))
        {
            BalancerLog.Drained(_log, node.Node);
            Decisions.Add("", 0, "drained", node.Node.HostPort, "all its replicas have moved to other nodes; it may leave");
        }
    }

    /// <summary>The planners count experts in float32: a node that holds them in fewer bytes has that much more room.</summary>
    public static long InFloat32(long bytes, RowType type) =>
        (long)Int128.Min((Int128)bytes * sizeof(float) / type.Size(), long.MaxValue);

    /// <summary>Replicas of all models on a node.</summary>
    public int HeldBy(NodeId node) => _models.Sum(m => m.Replicas.Count(e => e.Node == node));
}
