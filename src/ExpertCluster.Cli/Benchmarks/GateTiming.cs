namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Medians of one gate.</summary>
/// <param name="Preset">The gate.</param>
/// <param name="Choices">k of both.</param>
/// <param name="GateMilliseconds">The gate.</param>
/// <param name="BareMilliseconds">Product, softmax, top-k and sort alone.</param>
internal sealed record GateTiming(string Preset, int Choices, double GateMilliseconds, double BareMilliseconds)
{
    /// <summary>The gate's time over the bare one's.</summary>
    public double Ratio => GateMilliseconds / BareMilliseconds;
}
