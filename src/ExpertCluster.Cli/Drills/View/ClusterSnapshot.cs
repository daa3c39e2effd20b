namespace ExpertCluster.Cli.Drills.View;

/// <summary>What a gateway said of the cluster at one moment.</summary>
/// <param name="At">On the drill's clock, in seconds.</param>
/// <param name="Epoch">Number of the newest placement.</param>
/// <param name="ReplicasByNode">Ready replicas of each node that holds experts, by its address.</param>
/// <param name="Members">Addresses of all nodes.</param>
/// <param name="TokensRouted">Rows sent to each expert since the gateway started, <c>[layer][expert]</c>.</param>
/// <param name="Retries">Segments it sent again.</param>
/// <param name="Placement">Which expert lives where; null from a gateway that does not say.</param>
/// <param name="Moves">Replicas moved since the cluster started; null from a gateway that does not say.</param>
/// <param name="BytesMoved">Bytes of weights loaded for moves; null from a gateway that does not say.</param>
internal sealed record ClusterSnapshot(
    double At, long Epoch, IReadOnlyDictionary<string, int> ReplicasByNode, IReadOnlyList<string> Members,
    IReadOnlyList<IReadOnlyList<long>> TokensRouted, long Retries, IReadOnlyList<PlacedReplica>? Placement = null, long? Moves = null,
    long? BytesMoved = null)
{
    /// <summary>Ready replicas on nodes that are members.</summary>
    public int ReadyReplicas => ReplicasByNode.Values.Sum();
}
