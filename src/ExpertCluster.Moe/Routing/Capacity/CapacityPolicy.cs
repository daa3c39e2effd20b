namespace ExpertCluster.Moe.Routing;

/// <summary>Third step of a gate: how many slots experts have, and who keeps them.</summary>
public sealed record CapacityPolicy
{
    /// <summary>Creates a policy.</summary>
    /// <param name="convention">How capacity follows from the factor.</param>
    /// <param name="trainFactor">Capacity factor in training, above 0.</param>
    /// <param name="evaluationFactor">Capacity factor in evaluation, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A factor is not above 0.</exception>
    public CapacityPolicy(CapacityConvention convention, double trainFactor, double evaluationFactor)
    {
        ArgumentNullException.ThrowIfNull(convention);
        CapacityConvention.CheckFactor(trainFactor, nameof(trainFactor));
        CapacityConvention.CheckFactor(evaluationFactor, nameof(evaluationFactor));
        (Convention, TrainFactor, EvaluationFactor) = (convention, trainFactor, evaluationFactor);
    }

    /// <summary>How capacity follows from the factor.</summary>
    public CapacityConvention Convention { get; }

    /// <summary>Capacity factor in training.</summary>
    public double TrainFactor { get; }

    /// <summary>Capacity factor in evaluation.</summary>
    public double EvaluationFactor { get; }

    /// <summary>Who keeps the slot when an expert is full.</summary>
    public OverflowPriority Priority { get; init; } = OverflowPriority.ChoiceMajor;

    /// <summary>Slots per expert in a group; null when unlimited.</summary>
    public long? Slots(long tokensOfGroup, int experts, int choices, bool training)
    {
        long slots = Convention.Slots(tokensOfGroup, experts, choices, training ? TrainFactor : EvaluationFactor);
        return slots == 0 && Convention.ZeroIsUnlimited ? null : slots;
    }
}
