using Microsoft.Extensions.Logging;

namespace ExpertCluster.Node.Hosting;

internal static partial class NodeLog
{
    [LoggerMessage(6001, LogLevel.Information, "Clients can connect to {Endpoint}")]
    public static partial void Listening(ILogger log, string endpoint);
}
