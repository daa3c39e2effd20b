namespace ExpertCluster.Node.Grpc;

/// <summary>Knows the gateways of the cluster that clients may connect to.</summary>
public interface IGatewayDirectory
{
    /// <summary>
    /// <c>HOST:PORT</c> of each gateway, this node's included. Asked on every GetGateways call, so it must answer from memory.
    /// </summary>
    IReadOnlyList<string> Endpoints { get; }
}
