using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Routing;

internal static partial class RouterLog
{
    [LoggerMessage(3001, LogLevel.Warning, "{Model} layer {Layer}: {Segments} segments for {Node} were lost and go elsewhere: {Reason}")]
    public static partial void FrameLost(ILogger log, string model, int layer, NodeId node, int segments, string reason);
}
