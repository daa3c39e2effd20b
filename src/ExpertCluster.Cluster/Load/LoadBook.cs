using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>
/// What the balancer knows of load: nodes' reports merged into windows that forget half in every half-life. Used by one thread at a time.
/// </summary>
public sealed class LoadBook
{
    /// <summary>Seconds after which speeds are compared anew though nothing came: what is in the windows fades.</summary>
    private const double SpeedsAge = 1;

    private readonly LoadOptions _options;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly Dictionary<string, LoadModel> _models;
    private readonly Dictionary<(string Model, int Layer), LayerWindow> _layers = [];
    private readonly Dictionary<NodeId, NodeWindow> _nodes = [];
    private (long Version, double At, NodeSpeeds Speeds)? _speeds;

    /// <summary>An empty book for some models; what is reported of others is left out.</summary>
    public LoadBook(IEnumerable<LoadModel> models, LoadOptions options, TimeProvider time)
    {
        (_options, _time, _started) = (options, time, time.GetTimestamp());
        _models = models.ToDictionary(m => m.Name, StringComparer.Ordinal);
        foreach (var model in _models.Values)
        {
            foreach (var layer in model.Layers)
            {
                _layers[(model.Name, layer)] = new LayerWindow(model.Experts, options.HalfLife.TotalSeconds);
            }
        }
    }

    /// <summary>Rises with every report that had something in it.</summary>
    public long Version { get; private set; }

    private double Now => _time.GetElapsedTime(_started).TotalSeconds;

    /// <summary>Takes a report in. The order of reports makes no difference.</summary>
    public void Merge(LoadReport report)
    {
        if (!_models.ContainsKey(report.Model))
        {
            return;
        }

        var now = Now;
        foreach (var (layer, expert, prefill, decode) in report.Demand)
        {
            if (_layers.TryGetValue((report.Model, layer), out var window) && (uint)expert < (uint)window.Experts)
            {
                window.Add(now, expert, prefill, decode);
            }
        }

        if (report.Device is null && report.Work.IsEmpty && report.Batches.IsEmpty)
        {
            Version += report.Demand.IsEmpty ? 0 : 1;
            return;
        }

        if (!_nodes.TryGetValue(report.Node, out var node))
        {
            _nodes[report.Node] = node = new NodeWindow(_options.HalfLife.TotalSeconds);
        }

        node.Device = report.Device ?? node.Device;
        foreach (var work in report.Work)
        {
            node.Add(now, report.Model, work);
        }

        foreach (var work in report.Batches)
        {
            node.Add(now, report.Model, work);
        }

        Version++;
    }

    /// <summary>Rows of each expert of a layer, generated tokens' by <see cref="LoadOptions.DecodeWeight"/>; decayed.</summary>
    /// <exception cref="KeyNotFoundException">No such model or layer.</exception>
    public double[] Demand(string model, int layer)
    {
        var (prefill, decode) = (Demand(model, layer, LoadPhase.Prefill), Demand(model, layer, LoadPhase.Decode));
        for (var i = 0; i < prefill.Length; i++)
        {
            prefill[i] += _options.DecodeWeight * decode[i];
        }

        return prefill;
    }

    /// <summary>
    /// The same over a fifth of the half-life: what a plan is made for. The whole window tells best whether the load has changed; this, what it has
    /// changed to.
    /// </summary>
    /// <exception cref="KeyNotFoundException">No such model or layer.</exception>
    public double[] LatestDemand(string model, int layer)
    {
        var window = _layers[(model, layer)];
        var (prefill, decode) = (window.Latest(Now, LoadPhase.Prefill), window.Latest(Now, LoadPhase.Decode));
        for (var i = 0; i < prefill.Length; i++)
        {
            prefill[i] += _options.DecodeWeight * decode[i];
        }

        return prefill;
    }

    /// <summary>Rows of each expert of a layer in one phase; decayed.</summary>
    /// <exception cref="KeyNotFoundException">No such model or layer.</exception>
    public double[] Demand(string model, int layer, LoadPhase phase) => _layers[(model, layer)].Rows(Now, phase);

    /// <summary>Rows of a layer in its window, whatever they weigh.</summary>
    public double Tokens(string model, int layer) =>
        Demand(model, layer, LoadPhase.Prefill).Sum() + Demand(model, layer, LoadPhase.Decode).Sum();

    /// <summary>Whether a layer's window holds at least so many rows.</summary>
    public bool EnoughData(string model, int layer, double minTokens) => Tokens(model, layer) >= minTokens;

    /// <summary>The device of a node as it said last; null where it said nothing.</summary>
    public DeviceLoad? Device(NodeId node) => _nodes.GetValueOrDefault(node)?.Device;

    /// <summary>What the replicas of a model did lately, in the order of their ids.</summary>
    public IReadOnlyList<ReplicaLoad> Work(string model) =>
        [.. _nodes.SelectMany(n => n.Value.Replicas(Now, model, n.Key)).OrderBy(r => r.Replica).ThenBy(r => r.Node)];

    /// <summary>
    /// Measured speed of a node relative to the median of all nodes, batches of the same kind compared with each other (of an even number of nodes the faster of
    /// the two in the middle, so that of two nodes one can be slow): 0.5 needs twice the time for the same batches. A kind counts where three nodes, or both
    /// of two, had <see cref="LoadOptions.SpeedBatches"/> products of it; a node's speed is known with <see cref="LoadOptions.SpeedRows"/> rows in such kinds.
    /// 1 where nothing is known.
    /// </summary>
    public double NodeSpeed(NodeId node)
    {
        var now = Now;
        if (_speeds is null || _speeds.Value.Version != Version || now - _speeds.Value.At > SpeedsAge)
        {
            var batches = _nodes.SelectMany(n => n.Value.Batches(now).Select(b => (n.Key, b.Model, b.Kind, b.Sums)));
            _speeds = (Version, now, new NodeSpeeds(batches, _options));
        }

        return _speeds.Value.Speeds.Of(node);
    }

    /// <summary>Balancedness of a layer as it is placed, by present demand and measured speeds, in (0, 1].</summary>
    /// <param name="placement">The layer's placement.</param>
    /// <param name="nodes">Nodes that could hold its experts.</param>
    public double Balancedness(LayerPlacement placement, IReadOnlyCollection<NodeId> nodes) =>
        LayerBalance.Of(LayerBalance.NodeLoads(placement, Demand(placement.Model, placement.Layer)), nodes, NodeSpeed);

    /// <summary>Forgets nodes that are gone, and replicas that did nothing for long. Demand stays: somebody asked, and will ask others.</summary>
    public void Keep(IReadOnlySet<NodeId> alive)
    {
        _speeds = null;
        foreach (var node in _nodes.Keys.Where(node => !alive.Contains(node)).ToArray())
        {
            _nodes.Remove(node);
        }

        foreach (var window in _nodes.Values)
        {
            window.Sweep(Now);
        }
    }

    /// <summary>The demand for a model's experts, to be restored by another balancer.</summary>
    /// <exception cref="KeyNotFoundException">No such model.</exception>
    public LoadSnapshot Snapshot(string model)
    {
        var known = _models[model];
        var layers = known.Layers.Select(layer => DemandFractions.Pack(
            layer, Demand(model, layer, LoadPhase.Prefill), Demand(model, layer, LoadPhase.Decode))).Where(layer => layer.Scale > 0);
        return new LoadSnapshot(
            model, known.Fingerprint, DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds()), [.. layers]);
    }

    /// <summary>
    /// Takes what a former balancer knew, beside what was reported since, as if no time had passed: an old load is a better start than none. Layers of which
    /// something newer was restored stay as they are, and so does everything where the checkpoint is another one.
    /// </summary>
    /// <returns>Layers restored.</returns>
    public int Restore(LoadSnapshot snapshot)
    {
        if (!_models.TryGetValue(snapshot.Model, out var model) || model.Fingerprint != snapshot.Fingerprint)
        {
            return 0;
        }

        var restored = 0;
        foreach (var layer in snapshot.Layers)
        {
            if (_layers.TryGetValue((model.Name, layer.Layer), out var window) && DemandFractions.Unpack(layer, model.Experts) is { } values
                && window.Restore(Now, snapshot.At, values))
            {
                restored++;
            }
        }

        return restored;
    }
}
