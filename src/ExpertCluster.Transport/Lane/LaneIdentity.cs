using ExpertCluster.Contracts;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Transport;

/// <summary>Who a lane is, and whom it talks to.</summary>
/// <param name="Self">This node.</param>
/// <param name="Cluster">Name of the cluster; a peer of another one is turned away.</param>
/// <param name="Secret">What all nodes of the cluster know and nobody else. Proved, never sent; empty for a network that is trusted.</param>
public sealed record LaneIdentity(NodeId Self, string Cluster, ReadOnlyMemory<byte> Secret)
{
    /// <summary>The oldest version of the lane's protocol that this program speaks.</summary>
    public const int OldestVersion = LaneHandshake.MinVersion;

    /// <summary>The newest.</summary>
    public const int NewestVersion = LaneHandshake.MaxVersion;

    /// <summary>Its certificate, and whose it takes, on TCP connections; null for none. Unix sockets do without: they do not leave the host.</summary>
    public LaneTls? Tls { get; init; }

    /// <summary>The newest version of the lane's protocol it speaks, from <see cref="OldestVersion"/> to <see cref="NewestVersion"/>; the two ends of
    /// a link take the newest that both speak.</summary>
    public int MaxVersion { get; init; } = NewestVersion;

    /// <summary>Faults to rehearse; null in production.</summary>
    public ILaneFaults? Faults { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Self} of {Cluster}";
}
