using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Experts;

internal static partial class ExpertLog
{
    [LoggerMessage(1001, LogLevel.Warning, "{Model} {Replica}: a segment of {Rows} rows failed")]
    public static partial void SegmentFailed(ILogger log, Exception error, string model, ReplicaId replica, int rows);

    [LoggerMessage(1003, LogLevel.Error, "{Model} layer {Layer}: {Rows} rows that were to be computed together failed")]
    public static partial void BatchFailed(ILogger log, Exception error, string model, int layer, int rows);

    [LoggerMessage(1002, LogLevel.Warning, "{Model} {Replica} does not start on {Node}: {Reason}")]
    public static partial void GaveUp(ILogger log, string model, ReplicaId replica, NodeId node, string reason);
}
