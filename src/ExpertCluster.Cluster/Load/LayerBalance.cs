using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>
/// How evenly a placement spreads a layer's demand. Copies of an expert share its demand evenly. Balancedness is the mean node load ÷ the largest (as EPLB
/// counts it); with nodes of different speed, the time all nodes would take if they ended together ÷ the time of the one that ends last.
/// </summary>
public static class LayerBalance
{
    /// <summary>Rows of a layer that fall to each node.</summary>
    /// <param name="placement">Who holds what; copies that are ready count, where an expert has none of these all that do not drain.</param>
    /// <param name="demand">Rows by expert.</param>
    public static Dictionary<NodeId, double> NodeLoads(LayerPlacement placement, ReadOnlySpan<double> demand)
    {
        var loads = new Dictionary<NodeId, double>();
        foreach (var expert in placement.Replicas.GroupBy(r => r.Replica.Expert).Where(g => g.Key >= 0))
        {
            if (expert.Key >= demand.Length)
            {
                continue;
            }

            var ready = expert.Where(r => r.State == ReplicaState.Ready).ToArray();
            var copies = ready.Length > 0 ? ready : [.. expert.Where(r => r.State != ReplicaState.Draining)];
            foreach (var copy in copies)
            {
                loads[copy.Node] = loads.GetValueOrDefault(copy.Node) + (demand[expert.Key] / copies.Length);
            }
        }

        return loads;
    }

    /// <summary>Balancedness, in (0, 1]; 1 where nothing is demanded.</summary>
    /// <param name="loads">Rows of each node.</param>
    /// <param name="nodes">Nodes that could hold experts, those without any too.</param>
    /// <param name="speed">Speed of a node relative to others; 1 for all where null.</param>
    public static double Of(IReadOnlyDictionary<NodeId, double> loads, IReadOnlyCollection<NodeId> nodes, Func<NodeId, double>? speed = null)
    {
        var (total, speeds, slowest) = (0d, 0d, 0d);
        foreach (var node in nodes.Union(loads.Keys))
        {
            var (load, factor) = (loads.GetValueOrDefault(node), speed?.Invoke(node) ?? 1);
            total += load;
            speeds += factor;
            slowest = Math.Max(slowest, load / factor);
        }

        return slowest > 0 ? Math.Min(1, total / speeds / slowest) : 1;
    }

    /// <summary>A bound no placement of equal nodes passes: the hottest expert's demand can be shared by so many copies only.</summary>
    /// <param name="demand">Rows by expert.</param>
    /// <param name="copies">The most copies that one expert can have.</param>
    /// <param name="nodes">Number of nodes.</param>
    public static double Bound(ReadOnlySpan<double> demand, int copies, int nodes)
    {
        var (total, hottest) = (0d, 0d);
        foreach (var rows in demand)
        {
            total += rows;
            hottest = Math.Max(hottest, rows);
        }

        return hottest > 0 ? Math.Min(1, total / nodes / (hottest / Math.Clamp(copies, 1, nodes))) : 1;
    }
}
