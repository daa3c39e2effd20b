using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Nodes that are not asked again for an expert for a while, since they refused or could not load it.</summary>
internal sealed class Exclusions
{
    private readonly Dictionary<(string Model, int Layer, int Expert, NodeId Node), (DateTimeOffset Until, string Reason)> _entries = [];

    public void Add(string model, ReplicaId replica, NodeId node, DateTimeOffset until, string reason) =>
        _entries[(model, replica.Layer, replica.Expert, node)] = (until, reason);

    /// <summary>Whatever was held against nodes for an expert was wrong.</summary>
    public void Forgive(string model, int layer, int expert)
    {
        foreach (var key in _entries.Keys.Where(k => k.Model == model && k.Layer == layer && k.Expert == expert).ToArray())
        {
            _entries.Remove(key);
        }
    }

    public void Expire(DateTimeOffset now)
    {
        foreach (var (key, entry) in _entries.ToArray())
        {
            if (entry.Until <= now)
            {
                _entries.Remove(key);
            }
        }
    }

    /// <summary>Those of one model, as (layer, expert, node).</summary>
    public IReadOnlySet<(int Layer, int Expert, NodeId Node)> Of(string model) =>
        _entries.Keys.Where(k => k.Model == model).Select(k => (k.Layer, k.Expert, k.Node)).ToHashSet();

    /// <summary>What the last node that tried said of an expert; null where none did lately.</summary>
    public string? LastReason(string model, int layer, int expert) =>
        _entries.Where(e => e.Key.Model == model && e.Key.Layer == layer && e.Key.Expert == expert && e.Value.Reason.Length > 0)
            .OrderByDescending(e => e.Value.Until).Select(e => e.Value.Reason).FirstOrDefault();
}
