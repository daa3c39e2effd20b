using static TorchSharp.torch;

namespace ExpertCluster.Moe.Routing;

/// <summary>How a router is made.</summary>
public sealed record RouterOptions
{
    /// <summary>How its weight starts.</summary>
    public RouterInit Init { get; init; } = RouterInit.Normal;

    /// <summary>Source of a random start.</summary>
    public Generator? Generator { get; init; }

    /// <summary>ε: in training each input value is multiplied by U(1−ε, 1+ε). 0 for none; 0.01 in Switch Transformers.</summary>
    public double Jitter { get; init; }

    /// <summary>Whether it also learns the scale of its noise, starting at zero (Shazeer et al. 2017).</summary>
    public bool LearnNoise { get; init; }

    /// <summary>Whether its weights stay as they are in training (Flan-MoE's frozen gate).</summary>
    public bool Frozen { get; init; }

    /// <summary>Type of the weights: float32 or float64.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>Device of the weights; null for the CPU.</summary>
    public Device? Device { get; init; }
}
