namespace ExpertCluster.Cli.Drills.View;

/// <summary>How evenly a layer's rows fall on nodes: the mean over nodes by the most loaded node's, 1 when all have the same (as EPLB states it).</summary>
internal static class Balancedness
{
    /// <summary>Of one layer; copies of an expert share its rows evenly.</summary>
    /// <param name="rows">Rows of each expert.</param>
    /// <param name="replicas">Expert and node of each replica.</param>
    /// <param name="nodes">Nodes, loaded or not.</param>
    /// <returns>In (0, 1]; NaN without rows or nodes.</returns>
    public static double Of(IReadOnlyList<long> rows, IReadOnlyCollection<(int Expert, string Node)> replicas, IReadOnlyCollection<string> nodes)
    {
        var load = nodes.ToDictionary(n => n, _ => 0.0);
        var copies = replicas.CountBy(r => r.Expert).ToDictionary();
        foreach (var (expert, node) in replicas)
        {
            if (load.ContainsKey(node))
            {
                load[node] += (double)rows[expert] / copies[expert];
            }
        }

        return load.Values.Sum() is > 0 and var sum ? sum / load.Count / load.Values.Max() : double.NaN;
    }

    /// <summary>Of each layer over the rows between two looks at the same gateway, with the later look's placement; null where that is not told.</summary>
    public static IReadOnlyList<double>? Between(ClusterSnapshot earlier, ClusterSnapshot later) => later.Placement is not { } placement ? null
        : [.. later.TokensRouted.Zip(earlier.TokensRouted).Select((layer, index) => Of(
            [.. layer.First.Zip(layer.Second, (now, then) => Math.Max(0, now - then))],
            [.. placement.Where(r => r.Layer == index).Select(r => (r.Expert, r.Node))], [.. later.ReplicasByNode.Keys]))];
}
