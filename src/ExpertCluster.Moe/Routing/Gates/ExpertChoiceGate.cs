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
    private readonly int _groups;

    /// <summary>Creates a gate that owns its router.</summary>
    /// <param name="router">The router.</param>
    /// <param name="factor">Experts per token on average; C = ceil(T·factor/E), at most T, with T the tokens of a group.</param>
    /// <param name="groups">Groups of consecutive tokens that experts choose from apart; must divide the batch.</param>
    /// <exception cref="ArgumentOutOfRangeException">A factor that is not above 0, or fewer than 1 group.</exception>
    public ExpertChoiceGate(LinearRouter router, double factor = 2, int groups = 1)
        : base("expert-choice", router?.Experts ?? 0)
    {
        ArgumentNullException.ThrowIfNull(router);
        CapacityConvention.CheckFactor(factor, nameof(factor));
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        (_router, _factor, _groups) = (router, factor, groups);
        register_module("router", router);
    }

    /// <inheritdoc/>
    public override GradientKind Gradient => GradientKind.Exact;

    /// <summary>Routes from logits alone.</summary>
    /// <param name="logits">[T,E].</param>
    /// <returns>Slots [E, groups·C], those of the first group first.</returns>
    /// <exception cref="ArgumentException">The tokens don't make equal groups.</exception>
    public GateResult Route(Tensor logits)
    {
        LogitCheck.Require(logits, Experts);
        long tokens = logits.shape[0];
        if (tokens % _groups != 0)
        {
            throw new ArgumentException($"{tokens} tokens don't make {_groups} equal groups.", nameof(logits));
        }

        using DisposeScope scope = NewDisposeScope();
        long size = tokens / _groups;
        long capacity = Math.Min(size, (long)Math.Ceiling(size * _factor / Experts));
        Tensor probabilities = logits.softmax(-1);
        Tensor chosen = Choose(probabilities, size, capacity);
        var assignment = new SlotAssignment
        {
            Tokens = tokens,
            Experts = Experts,
            Token = chosen,
            Expert = arange(Experts, dtype: ScalarType.Int64, device: logits.device).unsqueeze(1).expand_as(chosen),
            Weight = probabilities.t().gather(1, chosen),
            Position = arange(capacity, dtype: ScalarType.Int64, device: logits.device).repeat(_groups).unsqueeze(0).expand_as(chosen),
            Capacity = capacity,
            Groups = _groups,
        };
        return new GateResult(assignment) { Scores = new RouterScores(logits, probabilities, probabilities) }.KeepBeyond(scope);
    }

    /// <inheritdoc/>
    protected override GateResult RouteCore(GateInput input, RoutingContext context) => Route(_router.Forward(input.Rows, context).Logits);

    /// <summary>The tokens of each expert, int64 [E, groups·C], ascending within a group.</summary>
    private Tensor Choose(Tensor probabilities, long size, long capacity)
    {
        using var _ = no_grad();
        if (capacity == 0)
        {
            return zeros(Experts, 0, dtype: ScalarType.Int64, device: probabilities.device);
        }

        // [E, groups, T of a group].
        Tensor byExpert = probabilities.t().contiguous().view(Experts, _groups, size);
        Tensor chosen = Best(byExpert, capacity);
        if (_groups > 1)
        {
            chosen = chosen + (arange(_groups, dtype: ScalarType.Int64, device: probabilities.device) * size).unsqueeze(1);
        }

        return chosen.reshape(Experts, _groups * capacity);
    }

    private static Tensor Best(Tensor values, long count)
    {
        (Tensor best, Tensor indices) = values.topk((int)count, -1);
        Tensor least = best.narrow(-1, count - 1, 1);
        Tensor equal = values.eq(least);
        if (equal.sum().item<long>() == best.eq(least).sum().item<long>())
        {
            return indices.sort(-1).Values;
        }

        // topk took any of several equal tokens: all above the least value stay, and of those equal to it the first.
        Tensor above = values.gt(least);
        Tensor room = count - above.sum(-1, keepdim: true);
        Tensor taken = above.logical_or(equal.logical_and(equal.to(ScalarType.Int32).cumsum(-1).le(room)));
        return taken.nonzero().select(1, 2).reshape(values.shape[0], values.shape[1], count);
    }
}
