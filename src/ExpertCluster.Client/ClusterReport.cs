namespace ExpertCluster.Client;

/// <summary>What a cluster looks like for one model at one moment.</summary>
/// <param name="Model">The model.</param>
/// <param name="Epoch">Number of the newest placement this gateway knows.</param>
/// <param name="Nodes">Every member that holds experts or answers clients.</param>
/// <param name="TokensRouted">Rows this gateway has sent to each expert since it started, <c>[layer][expert]</c>.</param>
/// <param name="Retries">Segments this gateway sent again because a replica was gone, busy or late.</param>
public sealed record ClusterReport(
    string Model, long Epoch, IReadOnlyList<NodeReport> Nodes, IReadOnlyList<IReadOnlyList<long>> TokensRouted, long Retries);
