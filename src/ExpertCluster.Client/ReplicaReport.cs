namespace ExpertCluster.Client;

/// <summary>One copy of an expert.</summary>
/// <param name="Layer">Model layer.</param>
/// <param name="Expert">Expert of the layer.</param>
/// <param name="Number">Which copy; numbers of an expert are never used twice.</param>
/// <param name="Node">Host and port of the node it is on.</param>
/// <param name="State"><c>assigned</c>, <c>loading</c>, <c>ready</c> or <c>draining</c>.</param>
public sealed record ReplicaReport(int Layer, int Expert, int Number, string Node, string State);
