namespace ExpertCluster.Cluster.Load;

/// <summary>Something the balancer decided, for people to read later.</summary>
/// <param name="Id">Rises with every decision; 0 before it is stored.</param>
/// <param name="At">When.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Epoch">Epoch of the model's placement then.</param>
/// <param name="Kind">What sort of decision, such as <c>plan</c> or <c>move</c>.</param>
/// <param name="Subject">What it is about, such as <c>L02/E05/r0</c> or a node.</param>
/// <param name="Reason">Why, in words.</param>
/// <param name="NumbersJson">The numbers behind it, a JSON object.</param>
public sealed record Decision(
    long Id, DateTimeOffset At, string Model, long Epoch, string Kind, string Subject, string Reason, string NumbersJson)
{
    /// <summary>The plan it is part of; null where it is part of none.</summary>
    public string? Plan { get; init; }
}
