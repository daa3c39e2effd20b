using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Experts choose tokens: each takes the C tokens with the highest probability for it, so loads are equal by construction (Zhou et al.
/// 2022, "Mixture-of-Experts with Expert Choice Routing", arXiv:2202.09368). Of equal tokens the earlier wins; an expert's tokens are
/// listed in their order. The choice looks at the whole batch, later tokens included: not for autoregressive decoding.
/// </summary>
public sealed class ExpertChoiceGate : Gate
{
    private readonly LinearRouter _router;
    private readonly double _factor;

    /// <summary>Creates a gate that owns its router.</summary>
    /// <param name="router">The router.</param>
    /// <param name="factor">Experts per token on average; C = ceil(T·factor/E), at most T.</param>
    /// <exception cref="ArgumentOutOfRangeException">A factor that is not above 0.</exception>
    public ExpertChoiceGate(LinearRouter router, double factor = 2)
        : base("expert-choice", router?.Experts ?? 0)
    {
        ArgumentNullException.ThrowIfNull(router);
        CapacityConvention.CheckFactor(factor, nameof(factor));
        (_router, _factor) = (router, factor);
        register_module("router", router);
    }

    /// <inheritdoc/>
    public override GradientKind Gradient => GradientKind.Exact;

    /// <summary>Routes from logits alone.</summary>
    /// <param name="logits">[T,E].</param>
    public GateResult Route(Tensor logits)
    {
        LogitCheck.Require(logits, Experts);
        using DisposeScope scope = NewDisposeScope();
        long tokens = logits.shape[0];
        long capacity = Math.Min(tokens, (long)Math.Ceiling(tokens * _factor / Experts));
        Tensor probabilities = logits.softmax(-1);
        Tensor chosen = Choose(probabilities, capacity);
        var assignment = new SlotAssignment
        {
            Tokens = tokens,
            Experts = Experts,
            Token = chosen,
            Expert = arange(Experts, dtype: ScalarType.Int64, device: logits.device).unsqueeze(1).expand(Experts, capacity),
            Weight = probabilities.t().gather(1, chosen),
            Position = arange(capacity, dtype: ScalarType.Int64, device: logits.device).unsqueeze(0).expand(Experts, capacity),
            Capacity = capacity,
        };
        return new GateResult(assignment) { Scores = new RouterScores(logits, probabilities, probabilities) }.KeepBeyond(scope);
    }

    /// <inheritdoc/>
    protected override GateResult RouteCore(GateInput input, RoutingContext context) => Route(_router.Forward(input.Rows, context).Logits);

    /// <summary>The tokens of each expert, int64 [E,C] in ascending order.</summary>
    private Tensor Choose(Tensor probabilities, long capacity)
    {
        using var _ = no_grad();
        if (capacity == 0)
        {
            return zeros(Experts, 0, dtype: ScalarType.Int64, device: probabilities.device);
        }

        Tensor byExpert = probabilities.t().contiguous();
        (Tensor values, Tensor indices) = byExpert.topk((int)capacity, -1);
        Tensor least = values.narrow(1, capacity - 1, 1);
        Tensor equal = byExpert.eq(least);
        if (equal.sum().item<long>() == values.eq(least).sum().item<long>())
        {
            return indices.sort(-1).Values;
        }

        // topk took any of several equal tokens: all above the least value stay, and of those equal to it the first.
        Tensor above = byExpert.gt(least);
        Tensor room = capacity - above.sum(1, keepdim: true);
        Tensor taken = above.logical_or(equal.logical_and(equal.to(ScalarType.Int32).cumsum(1).le(room)));
        return taken.nonzero().narrow(1, 1, 1).reshape(Experts, capacity);
    }
}
