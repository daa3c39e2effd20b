using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Noise of fixed size on the logits in training, softmax over all experts after it: σ = <c>deviation/E</c>
/// (Riquelme et al. 2021, "Scaling Vision with Sparse Mixture of Experts", arXiv:2106.05974; vmoe <c>nn/routing.py</c>).
/// </summary>
/// <param name="deviation">1 in the paper; 0 turns noise off.</param>
public sealed class FixedNoiseScores(double deviation = 1) : IScorePolicy
{
    /// <inheritdoc/>
    public RouterScores Score(RouterOutput router, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(context);
        Tensor logits = router.Logits;
        if (!context.Training || deviation <= 0)
        {
            Tensor clean = logits.softmax(-1);
            return new RouterScores(logits, clean, clean);
        }

        double sigma = deviation / logits.shape[1];
        Tensor noise = randn(logits.shape, dtype: logits.dtype, device: logits.device, generator: context.Draw("Router noise"));
        Tensor noisy = logits + noise.mul_(sigma);
        Tensor probabilities = noisy.softmax(-1);
        return new RouterScores(logits, probabilities, probabilities)
        {
            NoisyLogits = noisy,
            NoiseScale = full([], sigma, dtype: logits.dtype, device: logits.device),
        };
    }
}
