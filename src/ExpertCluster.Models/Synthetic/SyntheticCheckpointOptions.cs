using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Models.Synthetic;

/// <summary>Sizes of a random Mixtral checkpoint for tests and benchmarks. The defaults make a tiny one.</summary>
public sealed record SyntheticCheckpointOptions
{
    /// <summary>Decoder layers.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Experts per layer.</summary>
    public int Experts { get; init; } = 4;

    /// <summary>Experts per token.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>Hidden size H.</summary>
    public int Hidden { get; init; } = 32;

    /// <summary>Width F inside an expert.</summary>
    public int Ffn { get; init; } = 48;

    /// <summary>Vocabulary size.</summary>
    public int Vocab { get; init; } = 64;

    /// <summary>Query heads.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Key and value heads.</summary>
    public int KvHeads { get; init; } = 2;

    /// <summary>Width of a head; null for Hidden ÷ Heads.</summary>
    public int? HeadDim { get; init; }

    /// <summary>Most positions.</summary>
    public int MaxContext { get; init; } = 256;

    /// <summary>Sliding window; null for none.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Whether the head is the embedding.</summary>
    public bool Tied { get; init; }

    /// <summary>Element type on disk: F32, F16 or BF16.</summary>
    public TensorType Type { get; init; } = TensorType.F32;

    /// <summary>Number of files; 1 for an unsharded checkpoint.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>Whether config.json has <c>rope_theta</c> and <c>rope_scaling</c> instead of <c>rope_parameters</c>.</summary>
    public bool OldRopeSpelling { get; init; }

    /// <summary>Base of the rotary embedding.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Seed of the weights; equal options give equal files.</summary>
    public ulong Seed { get; init; } = 1;
}
