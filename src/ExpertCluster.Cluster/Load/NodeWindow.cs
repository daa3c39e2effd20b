using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>Decayed work of one node: each of its replicas, and each model as a whole.</summary>
internal sealed class NodeWindow(double halfLife)
{
    /// <summary>Below this many rows a replica's window is empty.</summary>
    private const double Nothing = 1e-3;

    private readonly Dictionary<(string Model, ReplicaId Replica), DecayingCounts> _replicas = [];
    private readonly Dictionary<string, DecayingCounts> _models = [];

    public DeviceLoad? Device { get; set; }

    public IEnumerable<string> Models => _models.Keys;

    public void Add(double now, string model, ReplicaWork work)
    {
        Add(Window(_replicas, (model, work.Replica), 4), now, work);
        Add(Window(_models, model, 4), now, work);
    }

    /// <summary>Rows of a model and the device's time for them, µs.</summary>
    public (double Rows, double Compute) Total(double now, string model) =>
        _models.TryGetValue(model, out var window) && window.At(now) is var sums ? (sums[0], sums[1]) : (0, 0);

    public IEnumerable<ReplicaLoad> Replicas(double now, string model, NodeId node)
    {
        foreach (var ((_, replica), window) in _replicas.Where(r => r.Key.Model == model))
        {
            var sums = window.At(now);
            yield return new ReplicaLoad(node, replica, sums[0], sums[1], sums[2], sums[3]);
        }
    }

    /// <summary>Forgets replicas that did nothing for long.</summary>
    public void Sweep(double now)
    {
        foreach (var (key, window) in _replicas.ToArray())
        {
            if (window.At(now)[0] < Nothing)
            {
                _replicas.Remove(key);
            }
        }
    }

    private static void Add(DecayingCounts window, double now, ReplicaWork work)
    {
        window.Add(now, 0, work.Rows);
        window.Add(now, 1, work.ComputeMicroseconds);
        window.Add(now, 2, work.QueueMicroseconds);
        window.Add(now, 3, work.Bytes);
    }

    private DecayingCounts Window<T>(Dictionary<T, DecayingCounts> windows, T key, int length)
        where T : notnull => windows.TryGetValue(key, out var window) ? window : windows[key] = new DecayingCounts(length, halfLife);
}
