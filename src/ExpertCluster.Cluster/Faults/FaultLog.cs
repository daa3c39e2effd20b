using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Faults;

internal static partial class FaultLog
{
    [LoggerMessage(7101, LogLevel.Warning, "Fault switches are on (ExpertCluster:Faults:Enabled): this node does what {File} says")]
    public static partial void Enabled(ILogger log, string file);

    [LoggerMessage(7102, LogLevel.Warning, "Faults now: {Blocked} blocked, answers {Delay} late")]
    public static partial void Changed(ILogger log, string blocked, TimeSpan delay);

    [LoggerMessage(7103, LogLevel.Warning, "{File} is not understood, the faults stay as they were: {Reason}")]
    public static partial void Unreadable(ILogger log, string file, string reason);
}
