namespace ExpertCluster.Client;

/// <summary>What a cluster looks like for one model at one moment.</summary>
/// <param name="Model">The model.</param>
/// <param name="Epoch">Number of the newest placement this gateway knows.</param>
/// <param name="Nodes">Every member that holds experts or answers clients.</param>
/// <param name="TokensRouted">Rows this gateway has sent to each expert since it started, <c>[layer][expert]</c>.</param>
/// <param name="Retries">Segments this gateway sent again because a replica was gone, busy or late.</param>
public sealed record ClusterReport(
    string Model, long Epoch, IReadOnlyList<NodeReport> Nodes, IReadOnlyList<IReadOnlyList<long>> TokensRouted, long Retries)
{
    /// <summary>Every replica of the model as this gateway knows it, in the order of layer, expert and number.</summary>
    public IReadOnlyList<ReplicaReport> Replicas { get; init; } = [];

    /// <summary>What the balancer is about; null before it said so.</summary>
    public BalancerReport? Balancer { get; init; }

    /// <summary>Rows this gateway answered without some of their experts, since these had no replica, summed over layers.</summary>
    public long Degraded { get; init; }

    /// <summary>
    /// The same moment, counting only what came after an earlier report of the same gateway. Counters that are below the earlier ones are
    /// another gateway's and stay as they are.
    /// </summary>
    public ClusterReport Since(ClusterReport earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        var same = earlier.Retries <= Retries && earlier.Degraded <= Degraded && earlier.TokensRouted.Count == TokensRouted.Count
            && TokensRouted.Zip(earlier.TokensRouted).All(
                layer => layer.First.Count == layer.Second.Count && layer.First.Zip(layer.Second).All(expert => expert.First >= expert.Second));
        return !same ? this : this with
        {
            Retries = Retries - earlier.Retries,
            Degraded = Degraded - earlier.Degraded,
            TokensRouted = [.. TokensRouted.Zip(earlier.TokensRouted, IReadOnlyList<long> (now, then) => [.. now.Zip(then, (a, b) => a - b)])],
        };
    }
}
