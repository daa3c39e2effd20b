using ExpertCluster.Moe.Layers;

namespace ExpertCluster.Models;

/// <summary>
/// Positions as a learned number per head and distance, added to attention scores (Raffel et al. 2020, arXiv:1910.10683, section 2.1);
/// distances share buckets by <see cref="RelativeBuckets.Unidirectional"/>. Every layer has a table of its own.
/// </summary>
public sealed record RelativeBiasSpec
{
    /// <summary>Number of buckets, at least 2.</summary>
    public required int Buckets { get; init; }

    /// <summary>Distance from which on the last bucket holds; above <see cref="Buckets"/> ÷ 2.</summary>
    public required int MaxDistance { get; init; }
}
