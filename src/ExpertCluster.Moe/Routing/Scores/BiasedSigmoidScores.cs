using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Affinity by sigmoid; experts are ranked by affinity plus a bias that balances load without a loss, and weighted by the affinity
/// alone (DeepSeek-AI 2024, "DeepSeek-V3 Technical Report", arXiv:2412.19437, section 2.1.2).
/// </summary>
public sealed class BiasedSigmoidScores : nn.Module, IScorePolicy
{
    private readonly Tensor _bias;

    /// <summary>Creates it with a bias of 0.</summary>
    /// <param name="experts">E.</param>
    /// <param name="dtype">Float32 or float64.</param>
    /// <param name="device">The router's device.</param>
    public BiasedSigmoidScores(int experts, ScalarType dtype = ScalarType.Float32, Device? device = null)
        : base(nameof(BiasedSigmoidScores))
    {
        _bias = zeros(experts, dtype: dtype, device: device).DetachFromDisposeScope();
        register_buffer("bias", _bias);
    }

    /// <summary>The bias [E]; checkpoints call it <c>e_score_correction_bias</c>.</summary>
    public Tensor Bias => _bias;

    /// <inheritdoc/>
    public RouterScores Score(RouterOutput router, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(router);
        Tensor affinity = router.Logits.sigmoid();
        return new RouterScores(router.Logits, affinity, affinity.detach() + _bias.to(affinity.dtype));
    }

    /// <summary>After a training step: <c>bias += γ·sign(mean load − load)</c>, so that busy experts are chosen less.</summary>
    /// <param name="load">[E], slots each expert was chosen for in the step, over all nodes.</param>
    /// <param name="gamma">Step; 0.001 in the report.</param>
    /// <exception cref="ArgumentException">Another number of experts.</exception>
    public void UpdateBias(Tensor load, double gamma = 0.001)
    {
        ArgumentNullException.ThrowIfNull(load);
        if (!load.shape.AsSpan().SequenceEqual(_bias.shape))
        {
            throw new ArgumentException($"A load of [{string.Join(", ", load.shape)}] for a bias of [{_bias.shape[0]}].", nameof(load));
        }

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Tensor floating = load.to(_bias.dtype);
        _bias.add_((floating.mean() - floating).sign() * gamma);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // A finaliser may see an object whose constructor threw.
        if (disposing)
        {
            _bias.Dispose();
        }

        base.Dispose(disposing);
    }
}
