using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>
/// Compares nodes as epidemiologists compare towns of different ages (direct standardisation): what a node's own mix of batches would have taken the median
/// node, over what it took. Only kinds of batches count that enough nodes had; inside a kind the sizes differ by up to two, which the cost curve there
/// takes out.
/// </summary>
internal sealed class NodeSpeeds
{
    /// <summary>How cost grows with rows where no node had batches of neighbouring sizes: between not at all and in proportion.</summary>
    private const double UnknownGrowth = 0.5;

    private readonly Dictionary<NodeId, double> _speeds = [];

    /// <summary>Compares all nodes.</summary>
    /// <param name="nodes">What each computed.</param>
    /// <param name="options">How much is enough.</param>
    public NodeSpeeds(IEnumerable<(NodeId Node, string Model, BatchKind Kind, BatchSums Sums)> nodes, LoadOptions options)
    {
        var sums = new Dictionary<NodeId, (double Rows, double Expected, double Took)>();
        var enough = nodes.Where(b => b.Sums.Products >= options.SpeedBatches && b.Sums.Rows > 0 && b.Sums.Compute > 0);
        foreach (var model in enough.GroupBy(b => b.Model))
        {
            var kinds = model.GroupBy(b => b.Kind).ToDictionary(g => g.Key, g => g.ToDictionary(b => b.Node, b => b.Sums));
            var least = Math.Min(3, model.Select(b => b.Node).Distinct().Count());
            foreach (var (kind, batches) in kinds.Where(k => k.Value.Count >= Math.Max(2, least)))
            {
                var growth = Growth(kinds, kind);
                foreach (var (node, own) in batches)
                {
                    var (rows, expected, took) = sums.GetValueOrDefault(node);
                    var median = Median(batches.Values.Select(b => b.Time * Math.Pow(own.Size / b.Size, growth)));
                    sums[node] = (rows + own.Rows, expected + (own.Products * median), took + own.Compute);
                }
            }
        }

        foreach (var (node, (rows, expected, took)) in sums.Where(s => s.Value.Rows >= options.SpeedRows))
        {
            _speeds[node] = expected / took;
        }
    }

    /// <summary>A node's speed; 1 where nothing is comparable.</summary>
    public double Of(NodeId node) => _speeds.GetValueOrDefault(node, 1);

    /// <summary>The exponent by which time grows with rows about a size, from each node's own batches of that size and its neighbours: how fast a
    /// node is plays no part in it.</summary>
    private static double Growth(Dictionary<BatchKind, Dictionary<NodeId, BatchSums>> kinds, BatchKind kind)
    {
        var (covariance, variance) = (0d, 0d);
        var near = Enumerable.Range(kind.Size - 1, 3).SelectMany(size => kinds.GetValueOrDefault(kind with { Size = size }) ?? []);
        foreach (var node in near.GroupBy(b => b.Key, b => (Size: Math.Log(b.Value.Size), Time: Math.Log(b.Value.Time))).Where(g => g.Count() > 1))
        {
            var (size, time) = (node.Average(b => b.Size), node.Average(b => b.Time));
            covariance += node.Sum(b => (b.Size - size) * (b.Time - time));
            variance += node.Sum(b => (b.Size - size) * (b.Size - size));
        }

        return variance > 0 ? Math.Clamp(covariance / variance, 0, 1) : UnknownGrowth;
    }

    /// <summary>Of an even number the lesser of the two in the middle, so that of two nodes one can be slow.</summary>
    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[(sorted.Length - 1) / 2];
    }
}
