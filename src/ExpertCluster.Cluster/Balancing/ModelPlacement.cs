using ExpertCluster.Contracts;
using ExpertCluster.Moe.Placement;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>The balancer's own record of one model: every replica, and what has to be published.</summary>
internal sealed class ModelPlacement
{
    private readonly Dictionary<ReplicaId, Entry> _replicas = [];
    private readonly Dictionary<(int Layer, int Expert), int> _nextNumber = [];
    private readonly Dictionary<int, string?> _problems = [];
    private readonly HashSet<int> _dirty = [];

    public ModelPlacement(string name, IReadOnlyList<int> layers, int experts, long expertBytes, string fingerprint)
    {
        Name = name;
        Layers = layers;
        Experts = experts;
        ExpertBytes = expertBytes;
        Fingerprint = fingerprint;
    }

    public string Name { get; }

    public IReadOnlyList<int> Layers { get; }

    public int Experts { get; }

    public long ExpertBytes { get; }

    public string Fingerprint { get; }

    /// <summary>Which experts should share a node; null for no wish.</summary>
    public ExpertColocation? Together { get; init; }

    /// <summary>Whether a first plan was made; until then the balancer waits for its wanted number of nodes.</summary>
    public bool IsPlanned { get; set; }

    public long Epoch { get; private set; }

    public bool IsDirty => _dirty.Count > 0;

    public IEnumerable<Entry> Replicas => _replicas.Values;

    public Entry? Find(ReplicaId replica) => _replicas.GetValueOrDefault(replica);

    /// <summary>Replicas of one expert.</summary>
    public IEnumerable<Entry> Of(int layer, int expert) =>
        _replicas.Values.Where(e => e.Replica.Layer == layer && e.Replica.Expert == expert);

    /// <summary>Where the last cluster had the model's replicas, by address of the node; empty where that is not known.</summary>
    public IReadOnlyList<(int Layer, int Expert, string Address)> Former { get; private set; } = [];

    /// <summary>Takes note of what the last cluster had placed, and goes on counting epochs where it stopped.</summary>
    public void Remember(IReadOnlyList<LayerPlacement> former)
    {
        Former = [.. former.SelectMany(p => p.Replicas).Where(
                r => r.State != ReplicaState.Draining && Layers.Contains(r.Replica.Layer) && (uint)r.Replica.Expert < (uint)Experts)
            .Select(r => (r.Replica.Layer, r.Replica.Expert, r.Node.Address)).Distinct()];
        Epoch = Math.Max(Epoch, former.Select(p => p.Epoch).DefaultIfEmpty(0).Max());
    }

    /// <summary>Takes over what a former balancer published.</summary>
    public void Adopt(LayerPlacement placement)
    {
        Epoch = Math.Max(Epoch, placement.Epoch);
        foreach (var replica in placement.Replicas)
        {
            IsPlanned = true;
            _replicas[replica.Replica] = new Entry(replica.Replica, replica.Node, replica.State);
            Reserve(replica.Replica);
        }
    }

    public Entry Assign(int layer, int expert, NodeId node)
    {
        // At least the epoch: a balancer that took over does not know which numbers were used by replicas that are gone, but every one of
        // them was published, and so came before an epoch it has seen.
        var replica = new ReplicaId(layer, expert, Math.Max(_nextNumber.GetValueOrDefault((layer, expert)), (int)Epoch));
        Reserve(replica);
        var entry = new Entry(replica, node, ReplicaState.Assigned);
        _replicas[replica] = entry;
        _dirty.Add(layer);
        return entry;
    }

    public void SetState(Entry entry, ReplicaState state)
    {
        if (entry.State != state)
        {
            entry.State = state;
            _dirty.Add(entry.Replica.Layer);
        }
    }

    public void Remove(Entry entry)
    {
        if (_replicas.Remove(entry.Replica))
        {
            _dirty.Add(entry.Replica.Layer);
        }
    }

    /// <summary>True when that is news.</summary>
    public bool SetProblem(int layer, string? problem)
    {
        if (_problems.GetValueOrDefault(layer) == problem)
        {
            return false;
        }

        _problems[layer] = problem;
        _dirty.Add(layer);
        return true;
    }

    /// <summary>Experts with fewer replicas than wanted, once per missing replica: all first copies before any second. Replicas that are to go
    /// do not count.</summary>
    /// <param name="copies">Replicas wanted of each.</param>
    /// <param name="leaving">Nodes that are to hold nothing; none where null.</param>
    public IReadOnlyList<(int Layer, int Expert)> Missing(int copies, IReadOnlySet<NodeId>? leaving = null)
    {
        var count = _replicas.Values.Where(e => e.State != ReplicaState.Draining && leaving?.Contains(e.Node) != true)
            .GroupBy(e => (e.Replica.Layer, e.Replica.Expert)).ToDictionary(g => g.Key, g => g.Count());
        var missing = new List<(int, int)>();
        for (var copy = 0; copy < copies; copy++)
        {
            foreach (var layer in Layers)
            {
                for (var expert = 0; expert < Experts; expert++)
                {
                    if (count.GetValueOrDefault((layer, expert)) <= copy)
                    {
                        missing.Add((layer, expert));
                    }
                }
            }
        }

        return missing;
    }

    /// <summary>The changed layers as they are to be published, under a new epoch.</summary>
    public IReadOnlyList<LayerPlacement> TakeChanges()
    {
        if (_dirty.Count == 0)
        {
            return [];
        }

        Epoch++;
        var byLayer = _replicas.Values.Where(e => _dirty.Contains(e.Replica.Layer)).ToLookup(e => e.Replica.Layer);
        var changes = _dirty.Order().Select(layer => Placement(layer, byLayer[layer])).ToArray();
        _dirty.Clear();
        return changes;
    }

    /// <summary>Every layer is published again, under a new epoch.</summary>
    public void Republish() => _dirty.UnionWith(Layers);

    /// <summary>A layer as it is now, published or not.</summary>
    public LayerPlacement Placement(int layer) => Placement(layer, _replicas.Values.Where(e => e.Replica.Layer == layer));

    private LayerPlacement Placement(int layer, IEnumerable<Entry> replicas) => new(
        Name, layer, Epoch, Experts,
        [.. replicas.OrderBy(e => e.Replica).Select(e => new ReplicaPlacement(e.Replica, e.Node, e.State))],
        _problems.GetValueOrDefault(layer));

    private void Reserve(ReplicaId replica)
    {
        var key = (replica.Layer, replica.Expert);
        _nextNumber[key] = Math.Max(_nextNumber.GetValueOrDefault(key), replica.Number + 1);
    }

    internal sealed class Entry(ReplicaId replica, NodeId node, ReplicaState state)
    {
        public ReplicaId Replica { get; } = replica;

        public NodeId Node { get; } = node;

        public ReplicaState State { get; set; } = state;

        /// <summary>When it was last told to start; null when it has not been by this balancer.</summary>
        public DateTimeOffset? Told { get; set; }

        /// <summary>Whether this balancer has heard from it that it is ready.</summary>
        public bool IsConfirmed { get; set; }

        /// <summary>Since when it is to go; null while it is to stay.</summary>
        public DateTimeOffset? RetiringSince { get; set; }

        /// <summary>When it was last told to go.</summary>
        public DateTimeOffset? ToldToGo { get; set; }
    }
}
