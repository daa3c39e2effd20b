using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>What the scoring step made of the logits. All [T,E], float32 or float64.</summary>
/// <param name="Logits">The router's logits without noise.</param>
/// <param name="Probabilities">What weights are taken from.</param>
/// <param name="Ranking">What experts are chosen by; often the same tensor.</param>
public sealed record RouterScores(Tensor Logits, Tensor Probabilities, Tensor Ranking)
{
    /// <summary>The logits with noise, where the policy adds any; otherwise the same as <see cref="Logits"/>.</summary>
    public Tensor NoisyLogits { get; init; } = Logits;

    /// <summary>Standard deviation of the noise, [T,E] or a scalar; null where there was none.</summary>
    public Tensor? NoiseScale { get; init; }

    /// <summary>Number of tokens T.</summary>
    public long Tokens { get; } = Logits.shape[0];

    /// <summary>Number of experts E.</summary>
    public int Experts { get; } = (int)Logits.shape[1];
}
