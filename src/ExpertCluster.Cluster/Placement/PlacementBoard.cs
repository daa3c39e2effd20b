using System.Collections.Concurrent;
using System.Collections.Immutable;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Placement;

/// <summary>
/// What this node knows of placements and members. One actor writes it; everyone else reads immutable snapshots without a lock, and
/// may wait for the next change.
/// </summary>
public sealed class PlacementBoard
{
    private readonly ConcurrentDictionary<(string Model, int Layer), LayerRoutes> _layers = new();
    private ImmutableDictionary<NodeId, NodeDescription> _nodes = ImmutableDictionary<NodeId, NodeDescription>.Empty;
    private BalancerStatus? _balancer;
    private TaskCompletionSource _change = NewSignal();

    /// <summary>Raised on the writer's thread after a layer changed.</summary>
    public event Action<string, int>? LayerChanged;

    /// <summary>Raised on the writer's thread after the set of nodes changed.</summary>
    public event Action? NodesChanged;

    /// <summary>Members that are up and have described themselves.</summary>
    public ImmutableDictionary<NodeId, NodeDescription> Nodes => Volatile.Read(ref _nodes);

    /// <summary>What the balancer is about; null before it said so.</summary>
    public BalancerStatus? Balancer => Volatile.Read(ref _balancer);

    /// <summary>Completes at the next change of anything. Take it before looking, so that no change is missed.</summary>
    public Task NextChange => Volatile.Read(ref _change).Task;

    /// <summary>A layer as routers read it; null until a placement has arrived.</summary>
    public LayerRoutes? Routes(string model, int layer) => _layers.GetValueOrDefault((model, layer));

    /// <summary>Where a replica was placed; null when it is not part of the newest placement known here.</summary>
    public ReplicaPlacement? Find(string model, ReplicaId replica)
    {
        if (Routes(model, replica.Layer) is { } routes)
        {
            foreach (var placed in routes.Placement.Replicas)
            {
                if (placed.Replica == replica)
                {
                    return placed;
                }
            }
        }

        return null;
    }

    /// <summary>Highest epoch seen for a model; 0 before any.</summary>
    public long Epoch(string model) =>
        _layers.Where(l => l.Key.Model == model).Select(l => l.Value.Placement.Epoch).DefaultIfEmpty(0).Max();

    /// <summary>Whether every expert of these layers has a ready replica.</summary>
    public bool IsComplete(string model, IReadOnlyList<int> layers)
    {
        foreach (var layer in layers)
        {
            if (Routes(model, layer) is not { IsComplete: true })
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Experts of these layers with a ready replica.</summary>
    public int ReadyExperts(string model, IReadOnlyList<int> layers) =>
        layers.Sum(layer => Routes(model, layer)?.Placement.ReadyExperts() ?? 0);

    /// <summary>Replicas of all models that a node holds or is to hold.</summary>
    public int HeldBy(NodeId node) => _layers.Values.Sum(routes => routes.Placement.Replicas.Count(r => r.Node == node));

    /// <summary>The first reason known why experts of these layers have no replica; null when there is none.</summary>
    public string? Problem(string model, IReadOnlyList<int> layers) =>
        layers.Select(layer => Routes(model, layer)?.Placement.Problem).FirstOrDefault(problem => problem is not null);

    /// <summary>Takes a published placement unless a newer one is known.</summary>
    public void Publish(LayerPlacement placement)
    {
        var key = (placement.Model, placement.Layer);
        if (_layers.TryGetValue(key, out var known) && known.Placement.Epoch >= placement.Epoch)
        {
            return;
        }

        _layers[key] = new LayerRoutes(placement);
        LayerChanged?.Invoke(placement.Model, placement.Layer);
        Signal();
    }

    /// <summary>Takes the members that are up.</summary>
    public void SetNodes(IEnumerable<NodeDescription> nodes)
    {
        Volatile.Write(ref _nodes, nodes.ToImmutableDictionary(n => n.Node));
        NodesChanged?.Invoke();
        Signal();
    }

    /// <summary>Takes what the balancer says of itself.</summary>
    public void SetBalancer(BalancerStatus status) => Volatile.Write(ref _balancer, status);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal() => Interlocked.Exchange(ref _change, NewSignal()).TrySetResult();
}
