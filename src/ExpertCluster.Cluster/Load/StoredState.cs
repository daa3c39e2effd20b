using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>What a store holds.</summary>
/// <param name="Loads">Last load of each model and fingerprint.</param>
/// <param name="Placements">Last placement of each layer, with the fingerprint of its model.</param>
/// <param name="Decisions">Decisions, oldest first.</param>
internal sealed record StoredState(
    IReadOnlyList<LoadSnapshot> Loads, IReadOnlyList<(string Fingerprint, LayerPlacement Placement)> Placements, IReadOnlyList<Decision> Decisions);
