using System.Collections.Immutable;

namespace ExpertCluster.Contracts;

/// <summary>
/// The placement of one layer of one model, as published. Written by the balancer alone; everyone else reads it.
/// </summary>
/// <param name="Model">The model's name.</param>
/// <param name="Layer">Zero-based model layer.</param>
/// <param name="Epoch">Rises with every published change of the model's placement.</param>
/// <param name="Experts">How many experts the layer has, placed or not.</param>
/// <param name="Replicas">All replicas, in the order of their ids.</param>
/// <param name="Problem">Why experts of this layer are without a replica, in words; null while none is.</param>
public sealed record LayerPlacement(
    string Model, int Layer, long Epoch, int Experts, ImmutableArray<ReplicaPlacement> Replicas, string? Problem = null) : IClusterMessage
{
    /// <summary>Experts with at least one ready replica.</summary>
    public int ReadyExperts()
    {
        var ready = 0;
        var last = -1;
        foreach (var replica in Replicas)
        {
            if (replica.State == ReplicaState.Ready && replica.Replica.Expert != last)
            {
                last = replica.Replica.Expert;
                ready++;
            }
        }

        return ready;
    }
}
