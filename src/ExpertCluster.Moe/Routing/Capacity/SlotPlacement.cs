using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Gives choices their places in the experts' buffers, and drops what does not fit.</summary>
public static class SlotPlacement
{
    /// <summary>
    /// A choice's place is the number of wanted choices of the same expert and group ahead of it in the order of priority; it is kept
    /// when that is below the capacity. One stable sort by expert does all experts at once. Whether choices count behind kept or behind
    /// all earlier ones decides the same: min(n,C)+j &lt; C exactly when n+j &lt; C.
    /// </summary>
    /// <param name="selection">Choices [T,K].</param>
    /// <param name="experts">E.</param>
    /// <param name="capacity">Slots per expert and group.</param>
    /// <param name="priority">Who comes first.</param>
    /// <param name="groups">Number of groups of consecutive tokens; divides T.</param>
    /// <param name="context">The generator, for <see cref="OverflowPriority.Random"/>.</param>
    /// <returns>Places, int64 [T,K], and which choices are kept, bool [T,K].</returns>
    public static (Tensor Position, Tensor Kept) Place(
        ExpertSelection selection, int experts, long capacity, OverflowPriority priority, int groups, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(selection);
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        long[] shape = selection.Experts.shape;
        (long tokens, long choices) = (shape[0], shape[1]);
        Device device = selection.Experts.device;
        Tensor keys = selection.Experts;
        if (groups > 1)
        {
            Tensor group = arange(tokens, dtype: ScalarType.Int64, device: device).div(tokens / groups, RoundingMode.floor);
            keys = keys + (group * experts).unsqueeze(1);
        }

        long none = (long)groups * experts;
        keys = (selection.Wanted is null ? keys : keys.masked_fill(selection.Wanted.logical_not(), none)).reshape(-1);
        Tensor? order = Order(selection, tokens, choices, priority, context);
        keys = order is null ? keys : keys.index_select(0, order);
        (Tensor sorted, Tensor back) = sort(keys, 0, false, stable: true);
        Tensor counts = keys.bincount(null, none + 1);
        Tensor starts = counts.cumsum(0) - counts;
        Tensor rank = arange(tokens * choices, dtype: ScalarType.Int64, device: device) - starts.index_select(0, sorted);
        back = order is null ? back : order.index_select(0, back);
        Tensor position = empty_like(rank).scatter(0, back, rank).reshape(tokens, choices);
        Tensor kept = position.lt(capacity);
        kept = selection.Wanted is null ? kept : kept.logical_and(selection.Wanted);
        return (position.MoveToOuterDisposeScope(), kept.MoveToOuterDisposeScope());
    }

    /// <summary>Flat slots in order of priority; null for their own order.</summary>
    private static Tensor? Order(ExpertSelection selection, long tokens, long choices, OverflowPriority priority, RoutingContext context)
    {
        Tensor gates = selection.Gates;
        switch (priority)
        {
            case OverflowPriority.TokenMajor:
                return null;
            case OverflowPriority.HighestProbability:
                return StableOrder.Descending(gates.reshape(-1));
            case OverflowPriority.ChoiceMajor when choices == 1:
                return null;
            case OverflowPriority.ChoiceMajor:
                return arange(tokens * choices, dtype: ScalarType.Int64, device: gates.device).view(tokens, choices).t().reshape(-1);
        }

        Tensor importance = priority switch
        {
            OverflowPriority.BatchPriority => gates.amax([1L]),
            OverflowPriority.Random => rand([tokens], device: gates.device, generator: context.Draw("Random token selection")),
            _ => throw new ArgumentOutOfRangeException(nameof(priority), priority, "No such priority."),
        };
        Tensor first = StableOrder.Descending(importance) * choices;
        return (first.unsqueeze(0) + arange(choices, dtype: ScalarType.Int64, device: gates.device).unsqueeze(1)).reshape(-1);
    }
}
