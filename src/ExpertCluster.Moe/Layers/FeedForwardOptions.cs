using static TorchSharp.torch;

namespace ExpertCluster.Moe.Layers;

/// <summary>How a bank of feed-forward experts is made.</summary>
public sealed record FeedForwardOptions
{
    /// <summary>Number of experts E.</summary>
    public required int Experts { get; init; }

    /// <summary>Width H.</summary>
    public required int Hidden { get; init; }

    /// <summary>Width F between the products.</summary>
    public required int Intermediate { get; init; }

    /// <summary>Source of the start.</summary>
    public required Generator Generator { get; init; }

    /// <summary>Between the products.</summary>
    public ExpertActivation Activation { get; init; } = ExpertActivation.Relu;

    /// <summary>Scale of the truncated normal start: σ = √(scale/fan-in). 0.1 in Switch Transformers (section 2.4).</summary>
    public double InitScale { get; init; } = 0.1;

    /// <summary>Expert dropout: share of inner values dropped in training, 0 to below 1. Switch fine-tunes with 0.4, Flan-MoE with 0.2.</summary>
    public double Dropout { get; init; }

    /// <summary>Element type; bf16 beside a float32 router is selective precision.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>Device; null for the CPU.</summary>
    public Device? Device { get; init; }
}
