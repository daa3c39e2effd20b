namespace ExpertCluster.Transport;

/// <summary>The answer to a segment.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Credits">Rows the replica has room for now, for this sender.</param>
/// <param name="Detail">Why it failed; null otherwise.</param>
public readonly record struct SegmentResult(SegmentStatus Status, int Credits, string? Detail = null);
