using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Node.InProcess;

namespace ExpertCluster.Node.Grpc;

/// <summary>The gateways that members of the cluster have announced.</summary>
internal sealed class ClusterGatewayDirectory(ClusterRuntime runtime) : IGatewayDirectory
{
    public IReadOnlyList<string> Endpoints => runtime.CutOff.IsCancellationRequested
        ? throw ClientErrors.CutOff()
        : [.. runtime.Board.Nodes.Values.OrderBy(n => n.Node).Select(n => n.GatewayEndpoint).OfType<string>()];
}
