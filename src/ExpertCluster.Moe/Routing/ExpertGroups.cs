namespace ExpertCluster.Moe;

/// <summary>The slots of a <see cref="RoutingDecision"/> grouped by expert, without padding.</summary>
public sealed class ExpertGroups
{
    private readonly int[] _starts;
    private readonly int[] _slots;

    private ExpertGroups(int[] starts, int[] slots)
    {
        _starts = starts;
        _slots = slots;
    }

    /// <summary>Number of experts, including those with nothing to do.</summary>
    public int Experts => _starts.Length - 1;

    /// <summary>All slots, those of expert 0 first, within an expert in ascending order.</summary>
    public ReadOnlySpan<int> AllSlots => _slots;

    /// <summary>The slots of an expert, ascending.</summary>
    public ReadOnlySpan<int> this[int expert] => _slots.AsSpan(_starts[expert], Count(expert));

    /// <summary>The flat slots of an expert, ascending, as memory that can be kept.</summary>
    public ReadOnlyMemory<int> SlotsOf(int expert) => _slots.AsMemory(_starts[expert], Count(expert));

    /// <summary>Groups slots by a stable counting sort, in O(T·k + E).</summary>
    /// <param name="decision">The gate's decision.</param>
    /// <param name="experts">Number of experts.</param>
    /// <exception cref="ArgumentException">The decision's arrays don't fit its sizes, or it names an expert out of range.</exception>
    public static ExpertGroups Build(RoutingDecision decision, int experts)
    {
        ArgumentNullException.ThrowIfNull(decision);
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        int[] chosen = decision.Experts;
        if (chosen.Length != decision.Slots || decision.Weights.Length != decision.Slots)
        {
            throw new ArgumentException(
                $"The decision has {chosen.Length} experts and {decision.Weights.Length} weights for {decision.Tokens} tokens × {decision.TopK}.",
                nameof(decision));
        }

        var starts = new int[experts + 1];
        foreach (int expert in chosen)
        {
            if ((uint)expert >= (uint)experts)
            {
                throw new ArgumentException($"The decision names expert {expert} of {experts}.", nameof(decision));
            }

            starts[expert + 1]++;
        }

        for (int expert = 0; expert < experts; expert++)
        {
            starts[expert + 1] += starts[expert];
        }

        int[] next = starts[..experts];
        var slots = new int[chosen.Length];
        for (int slot = 0; slot < chosen.Length; slot++)
        {
            slots[next[chosen[slot]]++] = slot;
        }

        return new ExpertGroups(starts, slots);
    }

    /// <summary>How many slots an expert has.</summary>
    public int Count(int expert) => _starts[expert + 1] - _starts[expert];

    /// <summary>Where an expert's slots start in <see cref="AllSlots"/>.</summary>
    public int Start(int expert) => _starts[expert];
}
