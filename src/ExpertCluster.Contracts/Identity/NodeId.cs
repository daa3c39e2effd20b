using System.Globalization;

namespace ExpertCluster.Contracts;

/// <summary>One run of one node: a process that comes back at the same address is another node.</summary>
/// <param name="Address">The address of its actor system, such as <c>akka.tcp://expertcluster@host:4053</c>.</param>
/// <param name="Incarnation">The number its actor system drew at start.</param>
public sealed record NodeId(string Address, int Incarnation) : IComparable<NodeId>
{
    /// <summary>Host and port, as a person names the node.</summary>
    public string HostPort => Address[(Address.IndexOf('@', StringComparison.Ordinal) + 1)..];

    /// <inheritdoc/>
    public int CompareTo(NodeId? other) => other is null
        ? 1
        : string.CompareOrdinal(Address, other.Address) is var order && order != 0 ? order : Incarnation.CompareTo(other.Incarnation);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{HostPort}#{Incarnation:x8}");
}
