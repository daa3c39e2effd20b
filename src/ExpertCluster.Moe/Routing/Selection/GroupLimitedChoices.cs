using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Top-k among the experts of the best groups. A group's score is the sum of its two best experts' ranks (DeepSeek-V3) or its best
/// (DeepSeek-V2); experts of other groups are out, even where biased ranks are negative.
/// </summary>
public sealed class GroupLimitedChoices : ISelectionPolicy
{
    private readonly TopKChoices _choices;

    /// <summary>Creates the rule.</summary>
    /// <param name="k">Experts per token; the kept groups must hold as many.</param>
    /// <param name="groups">Number of groups, a divisor of E; 1 lifts the limit.</param>
    /// <param name="kept">Groups a token may use, 1 to <paramref name="groups"/>.</param>
    /// <param name="bestPerGroup">Experts that make a group's score: 2 in V3, 1 in V2.</param>
    public GroupLimitedChoices(int k, int groups, int kept, int bestPerGroup = 2)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(bestPerGroup, 1);
        if (kept < 1 || kept > groups)
        {
            throw new ArgumentOutOfRangeException(nameof(kept), kept, $"Must be 1 to {groups} groups.");
        }

        (_choices, Groups, Kept, BestPerGroup) = (new TopKChoices(k), groups, kept, bestPerGroup);
    }

    /// <summary>Number of groups.</summary>
    public int Groups { get; }

    /// <summary>Groups a token may use.</summary>
    public int Kept { get; }

    /// <summary>Experts that make a group's score.</summary>
    public int BestPerGroup { get; }

    /// <inheritdoc/>
    public ExpertSelection Select(RouterScores scores, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(scores);
        int perGroup = scores.Experts / Groups;
        if (perGroup * Groups != scores.Experts || _choices.K > perGroup * Kept)
        {
            throw new ArgumentOutOfRangeException(
                nameof(scores), scores.Experts, $"{scores.Experts} experts don't make {Groups} equal groups of which {Kept} hold {_choices.K}.");
        }

        if (Groups == Kept)
        {
            return _choices.Select(scores, context);
        }

        Tensor ranking = scores.Ranking.detach();
        Tensor byGroup = ranking.view(scores.Tokens, Groups, perGroup);
        Tensor best = byGroup.topk(Math.Min(BestPerGroup, perGroup), -1).values.sum(-1);
        Tensor winners = StableOrder.TopK(best, Kept);
        Tensor open = zeros_like(best, dtype: ScalarType.Bool).scatter(1, winners, ones_like(winners, dtype: ScalarType.Bool));
        Tensor limited = byGroup.masked_fill(open.logical_not().unsqueeze(-1), double.NegativeInfinity).view(scores.Tokens, scores.Experts);
        return _choices.Select(scores with { Ranking = limited }, context);
    }
}
