namespace ExpertCluster.Models;

/// <summary>A rotary embedding (Su et al. 2021, arXiv:2104.09864), scaled or not.</summary>
public sealed record RopeSpec
{
    /// <summary>Base θ.</summary>
    public required double Theta { get; init; }

    /// <summary>How much of a head is rotated; even.</summary>
    public required int Width { get; init; }

    /// <summary>Angle per position of each pair, [Width ÷ 2]; null for θ^(−2i ÷ Width).</summary>
    public IReadOnlyList<double>? Frequencies { get; init; }

    /// <summary>Factor of cosines and sines (YaRN's temperature, Peng et al. 2023, arXiv:2309.00071, section 3.4).</summary>
    public double AttentionFactor { get; init; } = 1;
}
