namespace ExpertCluster.Cluster.Load;

/// <summary>Decayed sums over batches of one kind on one node.</summary>
/// <param name="Products">Experts' products.</param>
/// <param name="Rows">Their rows.</param>
/// <param name="Compute">The device's time for them, µs.</param>
internal readonly record struct BatchSums(double Products, double Rows, double Compute)
{
    /// <summary>Rows of a product, in the mean.</summary>
    public double Size => Rows / Products;

    /// <summary>The device's time for a product, µs.</summary>
    public double Time => Compute / Products;
}
