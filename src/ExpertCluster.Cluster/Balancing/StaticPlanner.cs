using ExpertCluster.Contracts;
using ExpertCluster.Moe.Placement;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// Spreads the experts of every layer over the nodes in proportion to their weights, without looking at load. Pure and deterministic: the
/// same request gives the same plan. Hard limits: memory of each node, and never two replicas of an expert on one node. A hint yields to
/// them: experts that belong together go to one node where one takes them all, else to as few as will do.
/// </summary>
public static class StaticPlanner
{
    /// <summary>Places what is wanted, in the order given; what belongs together at the turn of its first.</summary>
    public static PlanResult Plan(PlanRequest request)
    {
        var groups = Groups(request.Together);
        var nodes = request.Nodes.OrderBy(n => n.Node).Select(n => new PlannerNode(n, request)).ToArray();
        var byId = nodes.ToDictionary(n => n.Id);
        foreach (var (layer, expert, node) in request.Present)
        {
            if (byId.TryGetValue(node, out var state))
            {
                state.Hold((layer, expert), Group(groups, (layer, expert)));
            }
        }

        var assigned = new List<(int, int, NodeId)>();
        var unplaced = new List<(int, int, string)>();
        foreach (var column in PlanColumn.Of(request, groups))
        {
            var left = column.Experts;
            while (left.Count > 0 && Best(nodes, left, column.Group) is { } best)
            {
                var rest = new List<(int Layer, int Expert)>();
                foreach (var expert in left)
                {
                    if (best.FreeBytes >= request.ExpertBytes && best.Admits(expert))
                    {
                        best.Take(expert, column.Group);
                        assigned.Add((expert.Layer, expert.Expert, best.Id));
                    }
                    else
                    {
                        rest.Add(expert);
                    }
                }

                left = rest;
            }

            unplaced.AddRange(left.Select(e => (e.Layer, e.Expert, WhyNot(nodes, e, request))));
        }

        return new PlanResult(assigned, unplaced);
    }

    private static PlannerNode? Best(PlannerNode[] nodes, List<(int Layer, int Expert)> experts, int? group)
    {
        PlannerNode? best = null;
        PlanOffer offered = default;
        foreach (var node in nodes)
        {
            var offer = node.Offer(experts, group);
            if (offer.Takes > 0 && (best is null || offer.IsBetterThan(offered)))
            {
                (best, offered) = (node, offer);
            }
        }

        return best;
    }

    private static Dictionary<(int Layer, int Expert), int> Groups(ExpertColocation? together)
    {
        var groups = new Dictionary<(int Layer, int Expert), int>();
        for (var group = 0; group < together?.Groups.Count; group++)
        {
            foreach (var expert in together.Groups[group])
            {
                groups[expert] = group;
            }
        }

        return groups;
    }

    private static int? Group(Dictionary<(int Layer, int Expert), int> groups, (int Layer, int Expert) expert) =>
        groups.TryGetValue(expert, out var group) ? group : null;

    private static string WhyNot(PlannerNode[] nodes, (int Layer, int Expert) expert, PlanRequest request)
    {
        if (nodes.Length == 0)
        {
            return "there is no expert node";
        }

        var full = nodes.Where(n => n.FreeBytes < request.ExpertBytes).ToArray();
        return full.Length == nodes.Length
            ? $"an expert takes {request.ExpertBytes:N0} bytes and no node has that much of its budget free "
                + $"({string.Join(", ", nodes.Take(8).Select(n => $"{n.Id.HostPort}: {Math.Max(0, n.FreeBytes):N0}"))})"
            : $"{nodes.Count(n => n.Holds(expert))} of {nodes.Length} nodes hold it already, {full.Length} are full, "
                + $"{nodes.Count(n => request.Excluded.Contains((expert.Layer, expert.Expert, n.Id)))} could not load it just now";
    }
}
