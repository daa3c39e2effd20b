using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Softmax under the assignment constraint that balances early training: an expert whose running total of gate weights exceeds the
/// mean by a margin gets weight 0, and the rest is scaled to sum to 1 (Eigen et al. 2013, "Learning Factored Representations in a
/// Deep Mixture of Experts", arXiv:1312.4314, section 2.1). Totals grow in training only; lift the constraint by <see cref="Constrained"/>.
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
        Tensor probabilities = router.Logits.softmax(-1);
        if (context.Training && Constrained)
        {
            // Some expert is never above the mean, so something is always left.
            Tensor over = (_totals - _totals.mean()).gt(_margin);
            Tensor allowed = probabilities.masked_fill(over, 0);
            Tensor left = allowed.sum(-1, keepdim: true);
            // A row that trusts closed experts alone has nothing left to scale: it is spread evenly over the open ones.
            Tensor even = over.logical_not().to(probabilities.dtype);
            even = (even / even.sum()).expand_as(probabilities);
            probabilities = where(left.gt(0), allowed / left.clamp(1e-30), even);
            using var _ = no_grad();
            _totals.add_(probabilities.detach().to(ScalarType.Float64).sum([0L]));
        }

        return new RouterScores(router.Logits, probabilities, probabilities);
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
