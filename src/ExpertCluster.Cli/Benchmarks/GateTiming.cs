namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Medians of one gate.</summary>
/// <param name="Preset">The gate.</param>
/// <param name="Choices">k of both; 0 where nothing is chosen.</param>
/// <param name="Sorts">Whether the bare work ends with a sort, as a capacity needs.</param>
/// <param name="GateMilliseconds">The gate.</param>
/// <param name="BareMilliseconds">Product and softmax, and what of top-k and sort the gate must do.</param>
internal sealed record GateTiming(string Preset, int Choices, bool Sorts, double GateMilliseconds, double BareMilliseconds)
{
    /// <summary>The gate's time over the bare one's.</summary>
    public double Ratio => GateMilliseconds / BareMilliseconds;
}
