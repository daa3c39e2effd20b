using System.Globalization;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Planning;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// Decides when a placement is worth changing: after drift of the load, when nodes came, when there are more replicas than wanted, or when an
/// operator asks. One plan at a time, in quiet times only.
/// </summary>
internal sealed class Rebalancer(
    RebalanceOptions options, BalancerOptions balancing, ClusterBalancer balancer, IBalancerLoad load, ILogger log)
{
    /// <summary>Nodes come in groups; a plan for each of them would move experts twice.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, string> _plannedFor = [];
    private readonly Dictionary<string, string> _requests = [];
    private readonly Dictionary<string, (string Nodes, DateTimeOffset Since)> _seen = [];
    private DateTimeOffset _next;

    /// <summary>Why nothing moves, as an operator said; null while it may.</summary>
    public string? Suspended { get; private set; }

    public void Suspend(string reason) => Suspended = reason;

    public void Resume() => Suspended = null;

    /// <summary>Plans at the next occasion, whatever the load.</summary>
    public void Request(string model, string reason) => _requests[model] = reason;

    /// <summary>Looks whether a plan is due, and begins it.</summary>
    public void Evaluate(DateTimeOffset now)
    {
        if (now < _next)
        {
            return;
        }

        _next = now + TimeSpan.FromSeconds(1);
        foreach (var model in balancer.Models)
        {
            if (IsQuiet(model, now) && Trigger(model, now) is { } trigger)
            {
                Plan(model, trigger, now);
            }
        }
    }

    /// <summary>Carries out one step that an operator asked for, as a plan of its own.</summary>
    public void Begin(ModelPlacement model, MoveStep step, DateTimeOffset now) => Begin(model, step.Reason, step.ToString(), [step], [("bytes", step.Bytes)], now);

    /// <summary>What the planner would do now.</summary>
    public PlacementPlan DryRun(ModelPlacement model) => Planner.Plan(
        PlanningInput.Problem(balancer, model, load, balancing.Copies, options.SpareReplicas, []), PlannerOptions);

    private PlannerOptions PlannerOptions => new()
    {
        MinGain = options.MinGain,
        MaxMoves = options.MaxMovesPerPlan,
        LinkBytesPerSecond = options.MaxBytesPerSecond > 0 ? options.MaxBytesPerSecond : 1.25e9,
    };

    /// <summary>Whether every member answers and nothing is under way.</summary>
    private bool IsQuiet(ModelPlacement model, DateTimeOffset now)
    {
        var nodes = string.Join(' ', balancer.Usable(model).Select(n => n.Node.ToString()).Order(StringComparer.Ordinal));
        if (!_seen.TryGetValue(model.Name, out var seen) || seen.Nodes != nodes)
        {
            _seen[model.Name] = seen = (nodes, now);
        }

        return options.Enabled && Suspended is null && model.IsPlanned && balancer.Moves.Active is null
            && balancer.Members.HasMajority && balancer.Members.Unreachable == 0 && now - seen.Since >= Settling
            && !model.IsDirty && model.Replicas.All(e => e.State == ReplicaState.Ready);
    }

    private string? Trigger(ModelPlacement model, DateTimeOffset now)
    {
        if (_requests.Remove(model.Name, out var request))
        {
            return request;
        }

        var nodes = _seen[model.Name].Nodes;
        if (!_plannedFor.TryGetValue(model.Name, out var planned))
        {
            // The first placement was made for the nodes there are. Later ones may have come before it was complete.
            _plannedFor[model.Name] = nodes;
            var empty = balancer.Usable(model).Count(n => model.Replicas.All(e => e.Node != n.Node));
            return empty > 0 ? $"{empty} nodes hold nothing" : null;
        }

        if (planned != nodes)
        {
            _plannedFor[model.Name] = nodes;
            return "the nodes are not those the last plan was made for";
        }

        var most = (balancing.Copies * model.Experts) + options.SpareReplicas;
        return model.Replicas.GroupBy(e => e.Replica.Layer).FirstOrDefault(g => g.Count() > most) is { } layer
            ? $"layer {layer.Key} has {layer.Count()} replicas, {most} are wanted"
            : load.Drift(model, now);
    }

    private void Plan(ModelPlacement model, string trigger, DateTimeOffset now)
    {
        var plan = DryRun(model);
        load.Planned(model, now);
        var numbers = new (string, double)[]
        {
            ("steps", plan.Steps.Count), ("moves", plan.Moves), ("bytes", plan.Bytes), ("gain", plan.Gain), ("time-before", plan.TimeBefore), ("time-after", plan.TimeAfter),
            ("balancedness-before", plan.Layers.Min(l => l.BalancednessBefore)), ("balancedness-after", plan.Layers.Min(l => l.BalancednessAfter)),
            ("seconds", plan.Duration.TotalSeconds),
        };
        if (plan.Steps.Count == 0)
        {
            BalancerLog.NoPlan(log, model.Name, trigger, plan.Reason);
            balancer.Decisions.Add(model.Name, model.Epoch, "no-plan", model.Name, $"{trigger}: {plan.Reason}", numbers);
            return;
        }

        BalancerLog.PlanBegins(log, model.Name, trigger, plan.Steps.Count, plan.Bytes, plan.Gain);
        Begin(model, trigger, plan.Reason, PlanningInput.Steps(plan, balancer), numbers, now);
    }

    private void Begin(
        ModelPlacement model, string trigger, string reason, IReadOnlyList<MoveStep> steps, (string, double)[] numbers, DateTimeOffset now)
    {
        // Epochs rise with every publication, and every step publishes: no two plans of a model have the same number, whichever balancer made them.
        var transaction = new Transaction(model.Epoch, model.Name, trigger, steps, now);
        balancer.Decisions.Add(model.Name, model.Epoch, "plan", transaction.Name, $"{trigger}: {reason}", numbers);
        for (var i = 0; i < steps.Count; i++)
        {
            balancer.Decisions.Add(
                model.Name, model.Epoch, "step", string.Create(CultureInfo.InvariantCulture, $"{transaction.Name}/{i + 1}"), $"{steps[i]}: {steps[i].Reason}", ("bytes", steps[i].Bytes));
        }

        balancer.Moves.Begin(transaction);
    }
}
