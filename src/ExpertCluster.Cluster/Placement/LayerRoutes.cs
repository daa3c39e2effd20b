using System.Collections.Immutable;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Placement;

/// <summary>A layer's placement as routers read it: the ready replicas of each expert.</summary>
public sealed class LayerRoutes
{
    private readonly ImmutableArray<ReplicaPlacement>[] _ready;

    /// <summary>Sorts a placement by expert.</summary>
    public LayerRoutes(LayerPlacement placement)
    {
        Placement = placement;
        _ready = new ImmutableArray<ReplicaPlacement>[placement.Experts];
        Array.Fill(_ready, []);
        foreach (var group in placement.Replicas.Where(r => r.State == ReplicaState.Ready).GroupBy(r => r.Replica.Expert))
        {
            if ((uint)group.Key < (uint)_ready.Length)
            {
                _ready[group.Key] = [.. group];
            }
        }

        IsComplete = _ready.All(r => !r.IsEmpty);
    }

    /// <summary>The placement it was made from.</summary>
    public LayerPlacement Placement { get; }

    /// <summary>Whether every expert has a ready replica.</summary>
    public bool IsComplete { get; }

    /// <summary>The replicas of an expert that answer; may be empty.</summary>
    public ImmutableArray<ReplicaPlacement> Ready(int expert) => _ready[expert];
}
