using ExpertCluster.Moe.Losses;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>A token-choice gate after its router: score → select → capacity → weight. Routes plain logits as well.</summary>
public sealed record RoutingPolicy
{
    /// <summary>What experts are ranked and weighted by.</summary>
    public required IScorePolicy Score { get; init; }

    /// <summary>Which experts a token wants.</summary>
    public required ISelectionPolicy Select { get; init; }

    /// <summary>How many slots experts have; null for a dropless gate.</summary>
    public CapacityPolicy? Capacity { get; init; }

    /// <summary>How much each answer counts.</summary>
    public required IWeightPolicy Weights { get; init; }

    /// <summary>Number of groups of consecutive tokens that are routed apart; must divide T.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Losses computed in training.</summary>
    public IReadOnlyList<LossTerm> Losses { get; init; } = [];

    /// <summary>Routes from a router's output; results lie in the current dispose scope.</summary>
    /// <exception cref="ArgumentException">The logits are not float32 or float64 [T,E], or T is no multiple of the groups.</exception>
    /// <exception cref="NotFiniteNumberException">A logit is NaN or +∞, or all of a row's are −∞.</exception>
    /// <exception cref="ArgumentOutOfRangeException">More choices than experts.</exception>
    public GateResult Route(RouterOutput router, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(context);
        LogitCheck.Require(router.Logits);
        using DisposeScope scope = NewDisposeScope();
        RouterScores scores = Score.Score(router, context);
        if (Groups < 1 || scores.Tokens % Groups != 0)
        {
            throw new ArgumentException($"{scores.Tokens} tokens don't make {Groups} equal groups.", nameof(router));
        }

        ExpertSelection selection = Select.Select(scores, context);
        int choices = (int)selection.Experts.shape[1];
        long? capacity = Capacity?.Slots(scores.Tokens / Groups, scores.Experts, choices, context.Training);
        Tensor? kept = selection.Wanted;
        Tensor? position = null;
        if (capacity is { } slots)
        {
            (position, kept) = SlotPlacement.Place(selection, scores.Experts, slots, Capacity!.Priority, Groups, context);
        }

        Tensor weights = Weights.Weigh(scores, selection, kept);
        var assignment = new SlotAssignment
        {
            Tokens = scores.Tokens,
            Experts = scores.Experts,
            Expert = selection.Experts,
            Weight = kept is null ? weights : weights.masked_fill(kept.logical_not(), 0),
            Kept = kept,
            Position = position,
            Capacity = capacity,
            Groups = Groups,
        };
        var result = new GateResult(assignment) { Scores = scores, Selection = selection };
        return (context.Training ? LossTerm.Apply(Losses, result) : result).KeepBeyond(scope);
    }
}
