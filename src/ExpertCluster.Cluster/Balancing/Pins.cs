using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Copies that operators want on certain nodes, which no plan takes away. They end with the node, and with the balancer that was told.</summary>
internal sealed class Pins
{
    private readonly HashSet<(string Model, int Layer, int Expert, NodeId Node)> _pins = [];

    public void Add(string model, int layer, int expert, NodeId node) => _pins.Add((model, layer, expert, node));

    public bool Remove(string model, int layer, int expert, NodeId node) => _pins.Remove((model, layer, expert, node));

    public void Keep(Func<NodeId, bool> isAlive) => _pins.RemoveWhere(p => !isAlive(p.Node));

    /// <summary>Those of a model, in order.</summary>
    public IReadOnlyList<(int Layer, int Expert, NodeId Node)> Of(string model) =>
        [.. _pins.Where(p => p.Model == model).Select(p => (p.Layer, p.Expert, p.Node)).OrderBy(p => (p.Layer, p.Expert)).ThenBy(p => p.Node)];

    /// <summary>Pinned copies of a layer beyond those that every expert has: room that is granted besides.</summary>
    public int Extra(string model, int layer, int copies) => _pins.Where(p => p.Model == model && p.Layer == layer)
        .GroupBy(p => p.Expert).Sum(g => Math.Max(0, g.Count() - copies + 1));
}
