using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>One step of a plan.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Layer">Model layer.</param>
/// <param name="Expert">Expert of the layer.</param>
/// <param name="From">Whose copy goes; null where none does.</param>
/// <param name="To">Who gets a copy; null where nobody does.</param>
/// <param name="Bytes">Weights to read.</param>
/// <param name="Reason">Why, in words.</param>
internal sealed record MoveStep(MoveKind Kind, int Layer, int Expert, NodeId? From, NodeId? To, long Bytes, string Reason)
{
    public override string ToString() => Kind switch
    {
        MoveKind.Add => $"copy L{Layer:00}/E{Expert:00} to {To?.HostPort}",
        MoveKind.Retire => $"retire L{Layer:00}/E{Expert:00} on {From?.HostPort}",
        _ => $"move L{Layer:00}/E{Expert:00} from {From?.HostPort} to {To?.HostPort}",
    };
}
