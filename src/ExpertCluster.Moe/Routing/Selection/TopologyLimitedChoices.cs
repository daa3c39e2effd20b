using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Top-k that keeps traffic between nodes within a share: of the tokens that would leave the node, those with the highest scores for
/// remote experts may; the others choose among the node's own experts (He et al. 2022, "FasterMoE", PPoPP, section 5.3). A token whose logits
/// mask all of the node's own experts may leave in any case.
/// </summary>
public sealed class TopologyLimitedChoices : ISelectionPolicy
{
    private readonly bool[] _local;
    private readonly double _share;
    private readonly TopKChoices _choices;

    /// <summary>Creates the rule for the tokens of one node.</summary>
    /// <param name="k">Experts per token; the node must hold as many.</param>
    /// <param name="local">[E], which experts are on the tokens' node.</param>
    /// <param name="outgoingShare">Share of tokens that may use remote experts, 0 to 1; 0.14 in FasterMoE's code.</param>
    public TopologyLimitedChoices(int k, IReadOnlyList<bool> local, double outgoingShare = 0.14)
    {
        ArgumentNullException.ThrowIfNull(local);
        if (!(outgoingShare is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(outgoingShare), outgoingShare, "Must be 0 to 1.");
        }

        _local = [.. local];
        _share = outgoingShare;
        _choices = new TopKChoices(k);
        int held = _local.Count(l => l);
        if (k > held)
        {
            throw new ArgumentOutOfRangeException(nameof(k), k, $"A token that stays on its node can go to 1 to {held} experts, not to {k}.");
        }
    }

    /// <inheritdoc/>
    public ExpertSelection Select(RouterScores scores, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(scores);
        if (scores.Experts != _local.Length)
        {
            throw new ArgumentException($"Logits for {scores.Experts} experts, a topology of {_local.Length}.", nameof(scores));
        }

        ExpertSelection free = _choices.Select(scores, context);
        if (Array.TrueForAll(_local, l => l))
        {
            return free;
        }

        return _choices.Select(scores with { Ranking = Limited(scores, free.Experts) }, context);
    }

    private Tensor Limited(RouterScores scores, Tensor chosen)
    {
        using var _ = no_grad();
        Tensor remote = tensor(_local, device: scores.Logits.device).logical_not();
        Tensor leaves = remote.index_select(0, chosen.reshape(-1)).view_as(chosen);
        Tensor wish = scores.Probabilities.gather(1, chosen).masked_fill(leaves.logical_not(), 0).sum(1);
        Tensor order = StableOrder.Descending(wish);
        Tensor rank = empty_like(order).scatter(0, order, arange(scores.Tokens, dtype: ScalarType.Int64, device: order.device));
        Tensor stays = leaves.any(1).logical_and(rank.ge((long)(_share * scores.Tokens)));

        // A logit of −∞ masks an expert: a token that has no other at home has to leave.
        Tensor home = scores.Logits.masked_fill(remote.unsqueeze(0), double.NegativeInfinity).amax([1L]).isfinite();
        stays = stays.logical_and(home);
        return scores.Ranking.masked_fill(stays.unsqueeze(1).logical_and(remote.unsqueeze(0)), double.NegativeInfinity);
    }
}
