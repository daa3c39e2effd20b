namespace ExpertCluster.Cluster.Planning;

/// <summary>A layer with experts: what is asked of it, and where its replicas are.</summary>
/// <param name="Layer">The model's number of the layer, unique in a problem.</param>
/// <param name="Load">Rows routed to each expert in any unit of time, [E], each at least 0 and finite. All layers use the same unit.</param>
/// <param name="Present">Replicas that are there now, in any order; none for a first placement.</param>
public sealed record PlanLayer(int Layer, IReadOnlyList<double> Load, IReadOnlyList<PlanReplica> Present)
{
    /// <summary>
    /// The share of this layer's rows that starts in each <see cref="PlanDevice.Domain"/>, for what leaves it (μ of
    /// <see cref="PlannerOptions.CrossCost"/>); null when unknown, and then nothing is counted.
    /// </summary>
    public IReadOnlyDictionary<string, double>? RowsFrom { get; init; }
}
