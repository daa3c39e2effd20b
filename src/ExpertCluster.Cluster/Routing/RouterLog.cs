using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Routing;

internal static partial class RouterLog
{
    [LoggerMessage(3002, LogLevel.Debug, "{Model} layer {Layer}: {Segments} more segments for {Node} were lost and go elsewhere: {Reason}")]
    public static partial void FrameLostAgain(ILogger log, string model, int layer, NodeId node, int segments, string reason);

    [LoggerMessage(3001, LogLevel.Warning, "{Model} layer {Layer}: {Segments} segments for {Node} were lost and go elsewhere: {Reason}")]
    public static partial void FrameLost(ILogger log, string model, int layer, NodeId node, int segments, string reason);
}
