namespace ExpertCluster.Models.Families.Blocks;

/// <summary>RMS norms of queries and keys before rotation.</summary>
public enum QueryKeyNorm
{
    /// <summary>None.</summary>
    None,

    /// <summary>Over each head alone, one weight for all heads (Qwen3).</summary>
    PerHead,

    /// <summary>Over the whole projection (OLMoE).</summary>
    Whole,
}
