using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>Decayed work of one node: of each of its replicas, and of each model by kind of batch.</summary>
internal sealed class NodeWindow(double halfLife)
{
    /// <summary>Below this many rows, or products, a window is empty.</summary>
    private const double Nothing = 1e-3;

    private readonly Dictionary<(string Model, ReplicaId Replica), DecayingCounts> _replicas = [];
    private readonly Dictionary<(string Model, BatchKind Kind), DecayingCounts> _batches = [];

    public DeviceLoad? Device { get; set; }

    public void Add(double now, string model, ReplicaWork work) => Add(Window(_replicas, (model, work.Replica), 4), now, work);

    public void Add(double now, string model, BatchWork work)
    {
        var window = Window(_batches, (model, new BatchKind(work.Together, work.Size)), 3);
        window.Add(now, 0, work.Products);
        window.Add(now, 1, work.Rows);
        window.Add(now, 2, work.ComputeMicroseconds);
    }

    /// <summary>What was computed in batches of each kind.</summary>
    public IEnumerable<(string Model, BatchKind Kind, BatchSums Sums)> Batches(double now)
    {
        foreach (var ((model, kind), window) in _batches)
        {
            var sums = window.At(now);
            yield return (model, kind, new BatchSums(sums[0], sums[1], sums[2]));
        }
    }

    public IEnumerable<ReplicaLoad> Replicas(double now, string model, NodeId node)
    {
        foreach (var ((_, replica), window) in _replicas.Where(r => r.Key.Model == model))
        {
            var sums = window.At(now);
            yield return new ReplicaLoad(node, replica, sums[0], sums[1], sums[2], sums[3]);
        }
    }

    /// <summary>Forgets replicas that did nothing for long, and kinds of batches that there are no more.</summary>
    public void Sweep(double now)
    {
        foreach (var (key, window) in _replicas.ToArray())
        {
            if (window.At(now)[0] < Nothing)
            {
                _replicas.Remove(key);
            }
        }

        foreach (var (key, window) in _batches.ToArray())
        {
            if (window.At(now)[0] < Nothing)
            {
                _batches.Remove(key);
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
