using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(7001, LogLevel.Warning, "{Model} takes token ids only: {Reason}")]
    public static partial void TokenizerOfAnotherKind(ILogger log, string model, string reason);
}
