using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Gateway;

internal static partial class GatewayLog
{
    [LoggerMessage(5002, LogLevel.Warning, "A step of {Calls} sequences ended without an answer (request {RequestId} among them): {Error}: {Reason}")]
    public static partial void StepEnded(ILogger log, string requestId, int calls, RequestError error, string reason);

    [LoggerMessage(5001, LogLevel.Warning, "A step of {Calls} sequences failed (request {RequestId} among them)")]
    public static partial void StepFailed(ILogger log, Exception error, string requestId, int calls);
}
