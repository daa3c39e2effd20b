using ExpertCluster.Moe.Layers;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// An assignment of whole tokens to slots. Its tensors are [T,K] where tokens choose experts, and [E,C] where experts choose tokens.
/// </summary>
public sealed record SlotAssignment : Assignment
{
    /// <summary>Int64, the token of each slot; null where that is the row index, that is where tokens choose.</summary>
    public Tensor? Token { get; init; }

    /// <summary>Int64, the expert of each slot.</summary>
    public required Tensor Expert { get; init; }

    /// <summary>Weight of the expert's answer in the token's sum; 0 where the slot was dropped. Differentiable.</summary>
    public required Tensor Weight { get; init; }

    /// <summary>Bool: not skipped and not dropped. Null when every slot is kept.</summary>
    public Tensor? Kept { get; init; }

    /// <summary>Int64, place in the expert's buffer of its group, counted from 0; null without a capacity.</summary>
    public Tensor? Position { get; init; }

    /// <summary>Slots per expert and group; null without a limit.</summary>
    public long? Capacity { get; init; }

    /// <summary>Number of routing groups; capacity counts within each.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>How many slots each expert takes, int64 [E].</summary>
    public Tensor Load()
    {
        using var scope = NewDisposeScope();
        return Keys().bincount(null, Experts + 1).narrow(0, 0, Experts).clone().MoveToOuterDisposeScope();
    }

    /// <summary>The kept slots grouped by expert, without padding.</summary>
    public SlotGroups Group()
    {
        using var scope = NewDisposeScope();
        Tensor keys = Keys();
        Tensor order = StableOrder.Ascending(keys);
        long[] counts = keys.bincount(null, Experts + 1).cpu().data<long>().ToArray()[..Experts];
        return new SlotGroups(order.narrow(0, 0, counts.Sum()).alias().MoveToOuterDisposeScope(), counts);
    }

    /// <summary>Dispatch mask as the einsum formulation has it.</summary>
    /// <returns>Bool [T,E,C].</returns>
    /// <exception cref="InvalidOperationException">There is no capacity, so no places.</exception>
    public Tensor DispatchMask()
    {
        using var scope = NewDisposeScope();
        return Scatter(ones_like(Weight)).gt(0).MoveToOuterDisposeScope();
    }

    /// <summary>Combine weights as the einsum formulation has them; differentiable.</summary>
    /// <returns>[T,E,C] in the weights' type.</returns>
    /// <exception cref="InvalidOperationException">There is no capacity, so no places.</exception>
    public Tensor CombineWeights()
    {
        using var scope = NewDisposeScope();
        return Scatter(Weight).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor rows, ExpertBank experts, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Check(rows, experts);
        using var scope = NewDisposeScope();
        SlotGroups groups = Group();
        Tensor tokens = TokenOfSlots().index_select(0, groups.Order);
        Tensor answers = experts.ForwardGroups(rows.index_select(0, tokens).to(experts.Type), groups.Counts, context);
        Tensor weights = Weight.reshape(-1).index_select(0, groups.Order);
        Tensor weighted = answers.to(weights.dtype) * weights.unsqueeze(1);
        Tensor sum;
        if (Token is null)
        {
            // Back in slot order first: the order of a token's terms then never depends on which experts they came from.
            long slots = Expert.NumberOfElements;
            Tensor bySlot = zeros(slots, experts.Hidden, dtype: weighted.dtype, device: weighted.device).index_copy(0, groups.Order, weighted);
            sum = bySlot.reshape(Tokens, slots / Math.Max(Tokens, 1), experts.Hidden).sum(1);
        }
        else
        {
            sum = zeros(Tokens, experts.Hidden, dtype: weighted.dtype, device: weighted.device).index_add(0, tokens, weighted, 1);
        }

        return sum.to(rows.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override IEnumerable<Tensor?> Held() => [Token, Expert, Weight, Kept, Position];

    private Tensor TokenOfSlots() =>
        (Token ?? arange(Tokens, dtype: ScalarType.Int64, device: Expert.device).unsqueeze(1).expand_as(Expert)).reshape(-1);

    private Tensor Keys() => (Kept is null ? Expert : Expert.masked_fill(Kept.logical_not(), Experts)).reshape(-1);

    private Tensor Scatter(Tensor values)
    {
        if (Capacity is not { } capacity || Position is null)
        {
            throw new InvalidOperationException("Without a capacity experts have no places; use Group() for variable-size groups.");
        }

        Tensor kept = Kept is null ? ones_like(Expert, dtype: ScalarType.Bool) : Kept;
        Tensor place = (((TokenOfSlots() * Experts) + Expert.reshape(-1)) * capacity) + Position.reshape(-1);
        Tensor valid = kept.reshape(-1).nonzero().reshape(-1);
        return zeros(Tokens * Experts * capacity, dtype: values.dtype, device: values.device)
            .index_add(0, place.index_select(0, valid), values.reshape(-1).index_select(0, valid), 1)
            .reshape(Tokens, Experts, capacity);
    }
}
