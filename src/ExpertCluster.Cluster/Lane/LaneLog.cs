using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Lane;

internal static partial class LaneLog
{
    [LoggerMessage(2001, LogLevel.Warning, "A frame from {Peer} was dropped: {Reason}")]
    public static partial void Malformed(ILogger log, string peer, string reason);

    [LoggerMessage(2002, LogLevel.Warning,
        "A chunk from {Peer} was dropped: frame of {Total} bytes, offset {Offset}, {Assembling} bytes being received already")]
    public static partial void Refused(ILogger log, string peer, int total, int offset, long assembling);

    [LoggerMessage(2003, LogLevel.Error, "A frame could not be answered")]
    public static partial void AnswerFailed(ILogger log, Exception error);
}
