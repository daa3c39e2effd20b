namespace ExpertCluster.Cluster.Load;

/// <summary>A kind of batches, as <see cref="Contracts.BatchWork"/> tells them apart.</summary>
/// <param name="Together">⌊log₂⌋ of the experts computed together.</param>
/// <param name="Size">⌊log₂⌋ of the rows that each had.</param>
internal readonly record struct BatchKind(int Together, int Size);
