namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>The candidates of a layer.</summary>
/// <param name="Required">The present placement with what must change changed; what is done when nothing is worth it.</param>
/// <param name="Others">Better ones.</param>
/// <param name="Goal">A largest device time below which a gain is no gain.</param>
/// <param name="Notes">What was wanted and cannot be.</param>
internal sealed record LayerOptions(Candidate Required, IReadOnlyList<Candidate> Others, double Goal, IReadOnlyList<string> Notes);
