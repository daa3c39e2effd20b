using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Gateway;

internal static partial class GatewayLog
{
    [LoggerMessage(5001, LogLevel.Warning, "A step of {Calls} sequences failed (request {RequestId} among them)")]
    public static partial void StepFailed(ILogger log, Exception error, string requestId, int calls);
}
