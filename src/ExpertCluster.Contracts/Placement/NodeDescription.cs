using System.Collections.Immutable;

namespace ExpertCluster.Contracts;

/// <summary>What a node says of itself when it joins.</summary>
/// <param name="Node">The node.</param>
/// <param name="Roles">The roles it carries.</param>
/// <param name="Device">Device of its executor, such as <c>cpu</c> or <c>cuda:0</c>.</param>
/// <param name="Threads">libtorch threads of its executor.</param>
/// <param name="MemoryBytes">The most bytes of expert weights it takes.</param>
/// <param name="Weight">Its share of the experts relative to others; its memory budget where nobody set another.</param>
/// <param name="GatewayEndpoint"><c>HOST:PORT</c> for clients; null where it answers none.</param>
/// <param name="Models">Fingerprint of each checkpoint it can open, by model name.</param>
/// <param name="LaneEndpoint"><c>HOST:PORT</c> where its lane takes tensors; null where it has none.</param>
/// <param name="LaneSocket">Where its lane takes tensors from processes of its host; null where it doesn't.</param>
public sealed record NodeDescription(
    NodeId Node,
    ImmutableArray<string> Roles,
    string Device,
    int Threads,
    long MemoryBytes,
    double Weight,
    string? GatewayEndpoint,
    ImmutableDictionary<string, string> Models,
    string? LaneEndpoint,
    string? LaneSocket = null) : IClusterMessage
{
    /// <summary>What its experts compute in, by model name; float32 for models that are not in it.</summary>
    public ImmutableDictionary<string, RowType> ExpertTypes { get; init; } = ImmutableDictionary<string, RowType>.Empty;

    /// <summary>Whether it is about to leave: it takes nothing new, and what it holds moves to others first.</summary>
    public bool IsDraining { get; init; }

    /// <summary>What its experts of a model compute in, and so the rows they are best sent as.</summary>
    public RowType ExpertType(string model) => ExpertTypes.GetValueOrDefault(model);
}
