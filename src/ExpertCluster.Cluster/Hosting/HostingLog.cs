using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(7001, LogLevel.Warning, "{Model} takes token ids only: {Reason}")]
    public static partial void TokenizerOfAnotherKind(ILogger log, string model, string reason);

    [LoggerMessage(7006, LogLevel.Error, "This node was cut off from the majority of the cluster; it stops serving, and ends after {Linger}")]
    public static partial void CutOff(ILogger log, TimeSpan linger);

    [LoggerMessage(7002, LogLevel.Information, "{Threads} libtorch threads: {Nodes} nodes share the {Cores} cores of {Host}")]
    public static partial void ThreadsShared(ILogger log, int threads, int cores, int nodes, string host);

    [LoggerMessage(7003, LogLevel.Information, "This node leaves: its {Replicas} replicas move to other nodes first")]
    public static partial void Draining(ILogger log, int replicas);

    [LoggerMessage(7004, LogLevel.Information, "All replicas of this node have moved to others, after {Seconds:f1} s")]
    public static partial void Drained(ILogger log, double seconds);

    [LoggerMessage(7005, LogLevel.Warning, "This node leaves with {Replicas} replicas that did not move: {Reason}")]
    public static partial void NotDrained(ILogger log, int replicas, string reason);
}
