namespace ExpertCluster.Cli.Drills.View;

/// <summary>A replica that answers, and where.</summary>
/// <param name="Layer">Index of the layer among those with experts.</param>
/// <param name="Expert">The expert.</param>
/// <param name="Node">Address of its node.</param>
internal sealed record PlacedReplica(int Layer, int Expert, string Node);
