using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Routing;

internal static partial class RouterLog
{
    [LoggerMessage(3002, LogLevel.Debug, "{Model} layer {Layer}: {Segments} more segments for {Node} were lost and go elsewhere: {Reason}")]
    public static partial void FrameLostAgain(ILogger log, string model, int layer, NodeId node, int segments, string reason);

    [LoggerMessage(3003, LogLevel.Warning, "{Model} layer {Layer}: experts {Experts} have no ready replica, and answers go without them{Because}")]
    public static partial void Degraded(ILogger log, string model, int layer, string experts, string because);

    [LoggerMessage(3001, LogLevel.Warning, "{Model} layer {Layer}: {Segments} segments for {Node} were lost and go elsewhere: {Reason}")]
    public static partial void FrameLost(ILogger log, string model, int layer, NodeId node, int segments, string reason);
}
