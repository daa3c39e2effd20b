using Microsoft.Extensions.Logging;

namespace ExpertCluster.Node.Grpc;

/// <summary>What the gRPC endpoint logs.</summary>
internal static partial class GatewayGrpcLog
{
    [LoggerMessage(3101, LogLevel.Error, "{Method} failed unexpectedly (request {RequestId}).")]
    public static partial void UnexpectedFailure(ILogger logger, Exception error, string method, string requestId);

    [LoggerMessage(3102, LogLevel.Debug, "{Method} ended because its client hung up (request {RequestId}).")]
    public static partial void ClientHungUp(ILogger logger, Exception error, string method, string requestId);

    [LoggerMessage(3103, LogLevel.Debug, "{Method} answered {Code} (request {RequestId}): {Reason}")]
    public static partial void Refused(ILogger logger, string method, string code, string requestId, string reason);
}
