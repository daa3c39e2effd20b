namespace ExpertCluster.Contracts;

/// <summary>
/// What a node computed in batches of one kind: experts together on the device, rows for each. Time per row depends on both, so nodes are only
/// compared in batches of the same kind.
/// </summary>
/// <param name="Together">⌊log₂⌋ of the experts computed together.</param>
/// <param name="Size">⌊log₂⌋ of the rows that each had, in the mean.</param>
/// <param name="Products">Experts' products in such batches.</param>
/// <param name="Rows">Their rows.</param>
/// <param name="ComputeMicroseconds">The device's time for them, µs.</param>
public readonly record struct BatchWork(int Together, int Size, long Products, long Rows, long ComputeMicroseconds);
