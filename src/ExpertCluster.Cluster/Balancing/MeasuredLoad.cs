using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>The load as reports tell it, and the drift of it.</summary>
internal sealed class MeasuredLoad(
    LoadBook book, RebalanceOptions options, int copies, TimeProvider time, Func<ModelPlacement, IReadOnlyList<NodeId>> usable) : IBalancerLoad
{
    /// <summary>With 400 rows an expert's share is known to 5 %, about what a plan can make use of.</summary>
    private const int LatestRowsPerExpert = 400;

    private readonly DriftDetector _detector = new(options, time);
    private readonly Dictionary<string, DateTimeOffset> _next = [];

    /// <summary>The latest rows where these are enough to tell, else those of the whole window.</summary>
    public double[]? Demand(string model, int layer) =>
        !book.EnoughData(model, layer, options.MinTokens) ? null
        : book.LatestDemand(model, layer) is var latest && latest.Sum() >= Math.Max(options.MinTokens, LatestRowsPerExpert * latest.Length) ? latest
        : book.Demand(model, layer);

    /// <summary>Differences that measuring explains are none: they would only move experts to and fro.</summary>
    public double Speed(NodeId node) => book.NodeSpeed(node) is > 0.6 and < 1.67 ? 1 : Math.Clamp(book.NodeSpeed(node), 0.05, 20);

    public string? Drift(ModelPlacement model, DateTimeOffset now)
    {
        if (_next.TryGetValue(model.Name, out var next) && now < next)
        {
            return null;
        }

        _next[model.Name] = now + options.Interval;
        var nodes = usable(model);
        string? reason = null;
        foreach (var layer in model.Layers)
        {
            var demand = book.Demand(model.Name, layer);
            var balancedness = LayerBalance.Of(LayerBalance.NodeLoads(model.Placement(layer), demand), nodes, Speed);
            var verdict = _detector.Evaluate(
                model.Name, layer, demand, balancedness, LayerBalance.Bound(demand, copies + options.SpareReplicas, nodes.Count), nodes.Count);
            if (verdict.State == DriftState.Fires)
            {
                reason ??= $"layer {layer}: {verdict.Reason}";
            }
        }

        return reason;
    }

    public void Planned(ModelPlacement model, DateTimeOffset now)
    {
        foreach (var layer in model.Layers)
        {
            _detector.Planned(model.Name, layer, Demand(model.Name, layer) ?? book.Demand(model.Name, layer));
        }
    }
}
