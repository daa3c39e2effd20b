using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Trainable noise: <c>H = x·W_g + N(0,1)·(softplus(x·W_noise) + 0.01)</c> in training (Shazeer et al. 2017, "Outrageously Large Neural
/// Networks", arXiv:1701.06538, equations 3–5; the 0.01 is tensor2tensor's).
/// </summary>
public sealed class LearnedNoiseScores : IScorePolicy
{
    private const double Least = 0.01;

    /// <inheritdoc/>
    public RouterScores Score(RouterOutput router, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(context);
        Tensor logits = router.Logits;
        Tensor spread = router.Spread
            ?? throw new ArgumentException("Trainable noise needs a router with noise weights (RouterOptions.LearnNoise).", nameof(router));
        if (!context.Training)
        {
            return new RouterScores(logits, logits.softmax(-1), logits);
        }

        Tensor scale = nn.functional.softplus(spread).add_(Least);
        Tensor noise = randn(logits.shape, dtype: logits.dtype, device: logits.device, generator: context.Draw("Noisy top-k"));
        Tensor noisy = logits.addcmul(noise, scale, 1);
        return new RouterScores(logits, noisy.softmax(-1), noisy) { NoisyLogits = noisy, NoiseScale = scale };
    }
}
