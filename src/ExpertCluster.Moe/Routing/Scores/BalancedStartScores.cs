using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Softmax under the assignment constraint that balances early training: an expert whose running total of gate weights exceeds the
/// mean by a margin gets weight 0, and the rest is scaled to sum to 1 (Eigen et al. 2013, "Learning Factored Representations in a
/// Deep Mixture of Experts", arXiv:1312.4314, section 2.1). Totals grow in training only; lift the constraint by <see cref="Constrained"/>.
/// A row whose logits mask every open expert keeps its closed ones.
/// </summary>
public sealed class BalancedStartScores : nn.Module, IScorePolicy
{
    private readonly Tensor _totals;
    private readonly double _margin;

    /// <summary>Creates it with totals of 0.</summary>
    /// <param name="experts">E.</param>
    /// <param name="margin">m, in tokens' worth of weight; positive.</param>
    /// <param name="device">The router's device.</param>
    public BalancedStartScores(int experts, double margin = 100, Device? device = null)
        : base(nameof(BalancedStartScores))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(margin);
        _margin = margin;
        _totals = zeros(experts, dtype: ScalarType.Float64, device: device).DetachFromDisposeScope();
        register_buffer("totals", _totals);
    }

    /// <summary>Running totals of gate weights, float64 [E].</summary>
    public Tensor Totals => _totals;

    /// <summary>Whether the constraint still holds; the paper lifts it after the first epochs for fine-tuning.</summary>
    public bool Constrained { get; set; } = true;

    /// <inheritdoc/>
    public RouterScores Score(RouterOutput router, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Training || !Constrained)
        {
            Tensor free = router.Logits.softmax(-1);
            return new RouterScores(router.Logits, free, free);
        }

        Tensor probabilities = Constrain(router.Logits);
        using var _ = no_grad();
        _totals.add_(probabilities.sum(0, type: ScalarType.Float64));
        return new RouterScores(router.Logits, probabilities, probabilities);
    }

    /// <summary>Weight 0 for closed experts and the rest scaled to sum to 1: the softmax over the open ones, which no underflow can spoil.</summary>
    private Tensor Constrain(Tensor logits)
    {
        // Some expert is never above the mean, so something is always left.
        Tensor over = (_totals - _totals.mean()).gt(_margin);
        Tensor probabilities = logits.masked_fill(over, double.NegativeInfinity).softmax(-1);

        // A row whose logits mask all open experts has nowhere else to go; its softmax is NaN throughout.
        Tensor stuck = probabilities.detach().narrow(1, 0, 1).isnan();
        return stuck.any().item<bool>()
            ? logits.masked_fill(over.logical_and(stuck.logical_not()), double.NegativeInfinity).softmax(-1)
            : probabilities;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // A finaliser may see an object whose constructor threw.
        if (disposing)
        {
            _totals.Dispose();
        }

        base.Dispose(disposing);
    }
}
