namespace ExpertCluster.Models.Inspection;

/// <summary>How much one thing tells about another, next to what the same sample would seem to tell if there were nothing to tell.</summary>
/// <param name="Bits">Mutual information of the sample, in bits; at least 0, and never 0 in a finite sample even without any connection.</param>
/// <param name="ByChance">Its mean when connections are cut by shuffling, in bits.</param>
public readonly record struct Information(double Bits, double ByChance)
{
    /// <summary>What is left above chance, in bits; below 0 when there is nothing to find.</summary>
    public double Excess => Bits - ByChance;
}
