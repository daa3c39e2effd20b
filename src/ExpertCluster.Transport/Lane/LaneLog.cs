using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Transport.Lane;

internal static partial class LaneLog
{
    [LoggerMessage(2001, LogLevel.Information, "Lane to {Node} is up ({Endpoint}, {Kind}, version {Version})")]
    public static partial void Connected(ILogger log, NodeId node, LaneEndpoint endpoint, string kind, int version);

    [LoggerMessage(2002, LogLevel.Warning, "Lane to {Node} ended: {Reason}")]
    public static partial void Lost(ILogger log, NodeId node, string reason);

    [LoggerMessage(2003, LogLevel.Error, "A frame could not be answered")]
    public static partial void AnswerFailed(ILogger log, Exception error);

    [LoggerMessage(2004, LogLevel.Warning, "A stranger at {Peer} was turned away: {Reason}")]
    public static partial void TurnedAway(ILogger log, string peer, string reason);

    [LoggerMessage(2005, LogLevel.Information, "Lane from {Node} is up")]
    public static partial void Accepted(ILogger log, NodeId node);

    [LoggerMessage(2006, LogLevel.Warning, "Lane from {Node} ended: {Reason}")]
    public static partial void AcceptedLost(ILogger log, NodeId node, string reason);

    [LoggerMessage(2007, LogLevel.Debug, "Lane to {Node} is not up: {Reason}; another attempt in {Pause}")]
    public static partial void NotConnected(ILogger log, NodeId node, string reason, TimeSpan pause);

    [LoggerMessage(2008, LogLevel.Error, "The lane's listener stopped: {Reason}")]
    public static partial void ListenerStopped(ILogger log, string reason);

    [LoggerMessage(2009, LogLevel.Warning, "The lane has no Unix socket, processes of this host use TCP: {Reason}")]
    public static partial void NoUnixSocket(ILogger log, string reason);
}
