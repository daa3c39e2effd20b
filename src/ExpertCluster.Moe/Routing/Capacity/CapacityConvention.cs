namespace ExpertCluster.Moe.Routing;

/// <summary>How many slots an expert has in a group, as one code base computes it.</summary>
public sealed class CapacityConvention
{
    private readonly Func<long, int, int, double, double> _slots;

    internal CapacityConvention(string name, string rule, Func<long, int, int, double, double> slots)
    {
        (Name, Rule, _slots) = (name, rule, slots);
    }

    /// <summary>Its name in configurations.</summary>
    public string Name { get; }

    /// <summary>The rule, for people.</summary>
    public string Rule { get; }

    /// <summary>Whether a capacity of 0 means "as many as the busiest expert needs" (MegaBlocks, Tutel) rather than none.</summary>
    public bool ZeroIsUnlimited { get; internal init; }

    /// <summary>Computes the capacity.</summary>
    /// <param name="tokens">Tokens of the group T.</param>
    /// <param name="experts">E.</param>
    /// <param name="choices">k.</param>
    /// <param name="factor">Capacity factor, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative T, E or k below 1, or a factor that is not above 0.</exception>
    public long Slots(long tokens, int experts, int choices, double factor)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(choices, 1);
        CheckFactor(factor, nameof(factor));
        return (long)_slots(tokens, experts, choices, factor);
    }

    internal static void CheckFactor(double factor, string name)
    {
        if (!(factor > 0) || double.IsInfinity(factor))
        {
            throw new ArgumentOutOfRangeException(name, factor, "A capacity factor must be above 0; leave the capacity out for a dropless gate.");
        }
    }
}
