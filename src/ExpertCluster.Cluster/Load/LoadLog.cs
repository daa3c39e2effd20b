using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Load;

internal static partial class LoadLog
{
    [LoggerMessage(8101, LogLevel.Warning, "The store {Path} was set aside as {Aside} and a new one begun: {Reason}")]
    public static partial void SetAside(ILogger log, string path, string aside, string reason);

    [LoggerMessage(8102, LogLevel.Warning, "The store {Path} can not be used (ExpertCluster:Store:Path): {Reason}. What the balancer learns is kept in memory only")]
    public static partial void NoStore(ILogger log, string path, string reason);

    [LoggerMessage(8103, LogLevel.Warning, "Writing to the store {Path} failed: {Reason}. From now on what the balancer learns is kept in memory only")]
    public static partial void WriteFailed(ILogger log, string path, string reason);

    [LoggerMessage(8104, LogLevel.Warning, "Recording to {Path} ended (ExpertCluster:Load:RecordPath): {Reason}")]
    public static partial void RecordingEnded(ILogger log, string path, string reason);

    [LoggerMessage(8105, LogLevel.Information, "{Model}: load of {Layers} layers restored, as it was at {At:u}")]
    public static partial void Restored(ILogger log, string model, int layers, DateTimeOffset at);
}
