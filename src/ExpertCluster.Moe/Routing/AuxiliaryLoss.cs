using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>Losses that keep experts evenly busy in training.</summary>
public static class AuxiliaryLoss
{
    /// <summary>
    /// The load-balancing loss of Switch Transformers (Fedus et al. 2021, arXiv:2101.03961, equations 4–6) as Hugging Face's
    /// Mixtral computes it: over the tokens of all layers together, the mean one-hot choice times the mean probability, summed over
    /// choices and experts, times E. 1·k for a perfectly even gate.
    /// </summary>
    /// <param name="routerLogits">Float32 [T,E] per layer, on one device.</param>
    /// <param name="experts">E.</param>
    /// <param name="topK">k.</param>
    /// <returns>A scalar in the current dispose scope; differentiable.</returns>
    /// <exception cref="ArgumentException">No layers, or k not in 1 … E.</exception>
    public static Tensor LoadBalancing(IReadOnlyList<Tensor> routerLogits, int experts, int topK)
    {
        ArgumentNullException.ThrowIfNull(routerLogits);
        if (routerLogits.Count == 0)
        {
            throw new ArgumentException("There are no router logits.", nameof(routerLogits));
        }

        if (topK < 1 || topK > experts)
        {
            throw new ArgumentOutOfRangeException(nameof(topK), topK, $"Must be 1 to {experts}.");
        }

        using var scope = NewDisposeScope();
        Tensor probabilities = cat([.. routerLogits], 0).softmax(-1);
        (_, Tensor chosen) = probabilities.topk(topK, -1);
        Tensor share = nn.functional.one_hot(chosen, experts).to(ScalarType.Float32).mean([0]);
        Tensor mean = probabilities.mean([0]);
        return (share * mean.unsqueeze(0)).sum().mul(experts).MoveToOuterDisposeScope();
    }
}
