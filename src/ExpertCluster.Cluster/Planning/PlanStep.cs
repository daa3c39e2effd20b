namespace ExpertCluster.Cluster.Planning;

/// <summary>
/// One step of a plan. Steps are carried out one after the other, adding before retiring, and then after each of them every expert has a copy and no
/// device has two of one. <see cref="PlanStepKind.Add"/> and <see cref="PlanStepKind.Move"/> find memory for the copy on
/// <see cref="To"/>. Slots of a layer (<see cref="PlanDevice.MaxPerLayer"/>, <see cref="PlanProblem.ReplicasPerLayer"/>) may be exactly full:
/// then a copy that has another live one is retired first and added later, and where there is none, a device holds one replica more
/// than its slots until a later step of the same layer (<see cref="TransientSlot"/>) – one device of a layer at a time, and only if memory permits.
/// </summary>
/// <param name="Kind">What it does.</param>
/// <param name="Layer"><see cref="PlanLayer.Layer"/>.</param>
/// <param name="Expert">Index of the expert in its layer.</param>
/// <param name="From">The device that gives a copy up; null for <see cref="PlanStepKind.Add"/>.</param>
/// <param name="To">The device that gets one; null for <see cref="PlanStepKind.Retire"/>.</param>
/// <param name="Gain">How much the layer's relative time (<see cref="PlannerOptions"/>) falls by this step; below 0 where it rises for a while.</param>
/// <param name="Bytes">Bytes to send.</param>
/// <param name="Duration">Bytes ÷ <see cref="PlannerOptions.LinkBytesPerSecond"/>.</param>
/// <param name="Required">Whether it is needed for more than balance: a lost copy, a pin, an exclusion, a limit.</param>
/// <param name="TransientSlot">Whether <see cref="To"/> holds one replica more than its slots in this layer afterwards.</param>
/// <param name="Reason">Why, in words with numbers.</param>
public sealed record PlanStep(
    PlanStepKind Kind,
    int Layer,
    int Expert,
    string? From,
    string? To,
    double Gain,
    long Bytes,
    TimeSpan Duration,
    bool Required,
    bool TransientSlot,
    string Reason);
