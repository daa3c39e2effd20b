using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(7001, LogLevel.Warning, "{Model} takes token ids only: {Reason}")]
    public static partial void TokenizerOfAnotherKind(ILogger log, string model, string reason);

    [LoggerMessage(7003, LogLevel.Error, "This node was cut off from the majority of the cluster; it stops serving, and ends after {Linger}")]
    public static partial void CutOff(ILogger log, TimeSpan linger);

    [LoggerMessage(7002, LogLevel.Information, "{Threads} libtorch threads: {Nodes} nodes share the {Cores} cores of {Host}")]
    public static partial void ThreadsShared(ILogger log, int threads, int cores, int nodes, string host);
}
