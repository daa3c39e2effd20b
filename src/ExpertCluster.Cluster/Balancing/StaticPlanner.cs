using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// Spreads the experts of every layer over the nodes in proportion to their weights, without looking at load. Pure and deterministic: the
/// same request gives the same plan. Hard limits: memory of each node, and never two replicas of an expert on one node.
/// </summary>
public static class StaticPlanner
{
    /// <summary>Places what is wanted, in the order given.</summary>
    public static PlanResult Plan(PlanRequest request)
    {
        var nodes = request.Nodes.OrderBy(n => n.Node).Select(n => new State(n)).ToArray();
        var byId = nodes.ToDictionary(n => n.Id);
        foreach (var (layer, expert, node) in request.Present)
        {
            if (byId.TryGetValue(node, out var state))
            {
                state.Add(layer, expert);
            }
        }

        var assigned = new List<(int, int, NodeId)>();
        var unplaced = new List<(int, int, string)>();
        foreach (var (layer, expert) in request.Wanted)
        {
            State? best = null;
            foreach (var node in nodes)
            {
                if (node.FreeBytes >= request.ExpertBytes && !node.Holds(layer, expert)
                    && !request.Excluded.Contains((layer, expert, node.Id))
                    && (best is null || node.IsBetterThan(best, layer)))
                {
                    best = node;
                }
            }

            if (best is null)
            {
                unplaced.Add((layer, expert, WhyNot(nodes, layer, expert, request)));
                continue;
            }

            best.Add(layer, expert);
            best.FreeBytes -= request.ExpertBytes;
            best.Total++;
            assigned.Add((layer, expert, best.Id));
        }

        return new PlanResult(assigned, unplaced);
    }

    private static string WhyNot(State[] nodes, int layer, int expert, PlanRequest request)
    {
        if (nodes.Length == 0)
        {
            return "there is no expert node";
        }

        var full = nodes.Where(n => n.FreeBytes < request.ExpertBytes).ToArray();
        return full.Length == nodes.Length
            ? $"an expert takes {request.ExpertBytes:N0} bytes and no node has that much of its budget free "
                + $"({string.Join(", ", nodes.Take(8).Select(n => $"{n.Id.HostPort}: {Math.Max(0, n.FreeBytes):N0}"))})"
            : $"{nodes.Count(n => n.Holds(layer, expert))} of {nodes.Length} nodes hold it already, {full.Length} are full, "
                + $"{nodes.Count(n => request.Excluded.Contains((layer, expert, n.Id)))} could not load it just now";
    }

    private sealed class State(PlanNode node)
    {
        private readonly Dictionary<int, int> _perLayer = [];
        private readonly HashSet<(int Layer, int Expert)> _held = [];

        public NodeId Id { get; } = node.Node;

        public long FreeBytes { get; set; } = node.FreeBytes;

        public int Total { get; set; } = node.Held;

        public bool Holds(int layer, int expert) => _held.Contains((layer, expert));

        public void Add(int layer, int expert)
        {
            _held.Add((layer, expert));
            _perLayer[layer] = _perLayer.GetValueOrDefault(layer) + 1;
        }

        /// <summary>Least load after taking one more: first within the layer, whose experts work at the same moment, then over all.</summary>
        public bool IsBetterThan(State other, int layer)
        {
            var mine = (_perLayer.GetValueOrDefault(layer) + 1) / node.Weight;
            var theirs = (other._perLayer.GetValueOrDefault(layer) + 1) / other.Weight;
            return mine < theirs || (mine == theirs && (Total + 1) / node.Weight < (other.Total + 1) / other.Weight);
        }

        private double Weight => node.Weight;
    }
}
