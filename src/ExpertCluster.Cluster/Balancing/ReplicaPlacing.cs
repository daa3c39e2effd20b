using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Gives nodes to copies that have none: the first time, after a loss, and for those on nodes that leave.</summary>
internal sealed class ReplicaPlacing(BalancerOptions options, ClusterBalancer balancer, Exclusions exclusions, ILogger log)
{
    /// <summary>Puts experts where the last cluster had them, as far as nodes with those addresses are here and have room: the page caches there may
    /// still hold their weights, and the load they were placed for is likely to come again.</summary>
    public void PlaceAsBefore(ModelPlacement model)
    {
        var nodes = balancer.Usable(model).GroupBy(n => n.Node.Address).ToDictionary(g => g.Key, g => g.First());
        var excluded = exclusions.Of(model.Name);
        var placed = 0;
        foreach (var (layer, expert, address) in model.Former)
        {
            if (nodes.TryGetValue(address, out var node) && balancer.HasRoom(model, node.Node) && !excluded.Contains((layer, expert, node.Node))
                && model.Of(layer, expert).All(e => e.Node != node.Node))
            {
                model.IsPlanned = true;
                model.Assign(layer, expert, node.Node);
                placed++;
            }
        }

        if (placed > 0)
        {
            BalancerLog.PlacedAsBefore(log, model.Name, placed, model.Former.Count);
            balancer.Decisions.Add(
                model.Name, model.Epoch, "restored", model.Name, $"{placed} of {model.Former.Count} replicas go where the last cluster had them",
                ("placed", placed), ("former", model.Former.Count));
        }
    }

    /// <summary>Gives missing copies a node.</summary>
    public void Fill(ModelPlacement model, IReadOnlySet<NodeId> leaving)
    {
        var missing = model.Missing(options.Copies, leaving);
        if (missing.Count == 0)
        {
            SetProblems(model, []);
            return;
        }

        // The plan counts experts in float32, so a node that holds them in fewer bytes has that much more room.
        var usable = balancer.Usable(model).Select(node => new PlanNode(
            node.Node, node.Weight, ClusterBalancer.InFloat32(node.MemoryBytes - balancer.UsedBytes(node), node.ExpertType(model.Name)), balancer.HeldBy(node.Node))).ToList();
        var plan = StaticPlanner.Plan(new PlanRequest(
            usable, [.. model.Replicas.Select(e => (e.Replica.Layer, e.Replica.Expert, e.Node))], missing, model.ExpertBytes,
            exclusions.Of(model.Name), model.Together));
        foreach (var (layer, expert, node) in plan.Assigned)
        {
            model.IsPlanned = true;
            model.Assign(layer, expert, node);
        }

        if (plan.Assigned.Count > 0)
        {
            BalancerLog.Planned(log, model.Name, plan.Assigned.Count, usable.Count, plan.Unplaced.Count);
            balancer.Decisions.Add(
                model.Name, model.Epoch, "placed", $"{plan.Assigned.Count} replicas", $"{missing.Count} copies were missing of {options.Copies} wanted of every expert",
                ("missing", missing.Count), ("placed", plan.Assigned.Count), ("nodes", usable.Count));
        }

        // A copy beyond the first that finds no node is no problem worth failing requests for: the first one answers.
        var covered = model.Replicas.Select(e => (e.Replica.Layer, e.Replica.Expert)).ToHashSet();
        SetProblems(model, plan.Unplaced.Where(u => !covered.Contains((u.Layer, u.Expert))).GroupBy(u => u.Layer)
            .ToDictionary(g => g.Key, g => $"{g.Count()} experts of layer {g.Key} have no node, since {g.First().Reason}{WhyExcluded(model, g.First().Layer, g.First().Expert)}"));
    }

    /// <summary>What the last node that tried said of an expert; empty where none did lately.</summary>
    private string WhyExcluded(ModelPlacement model, int layer, int expert) =>
        exclusions.LastReason(model.Name, layer, expert) is { } last ? $" – expert {expert}: {last}" : "";

    private void SetProblems(ModelPlacement model, Dictionary<int, string> problems)
    {
        foreach (var layer in model.Layers)
        {
            var problem = problems.GetValueOrDefault(layer);
            if (model.SetProblem(layer, problem))
            {
                BalancerLog.Problem(log, model.Name, problem ?? "solved");
            }
        }
    }
}
