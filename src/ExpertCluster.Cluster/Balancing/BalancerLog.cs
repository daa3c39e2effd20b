using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Balancing;

internal static partial class BalancerLog
{
    [LoggerMessage(4001, LogLevel.Information, "Balancer of {Model} starts at epoch {Epoch} with {Replicas} known replicas")]
    public static partial void Started(ILogger log, string model, long epoch, int replicas);

    [LoggerMessage(4002, LogLevel.Information, "{Model}: {Assigned} replicas assigned to {Nodes} nodes, {Unplaced} without a node")]
    public static partial void Planned(ILogger log, string model, int assigned, int nodes, int unplaced);

    [LoggerMessage(4003, LogLevel.Warning, "{Model} {Replica} was on {Node}, which is gone")]
    public static partial void ReplicaLost(ILogger log, string model, ReplicaId replica, NodeId node);

    [LoggerMessage(4004, LogLevel.Warning, "{Model} {Replica} on {Node}: {Outcome}: {Reason}")]
    public static partial void GaveUp(ILogger log, string model, ReplicaId replica, NodeId node, ReplicaOutcome outcome, string reason);

    [LoggerMessage(4008, LogLevel.Information, "{Model} {Replica} on {Node} stopped with its node")]
    public static partial void Stopped(ILogger log, string model, ReplicaId replica, NodeId node);

    [LoggerMessage(4005, LogLevel.Warning, "{Model}: {Problem}")]
    public static partial void Problem(ILogger log, string model, string problem);

    [LoggerMessage(4006, LogLevel.Warning,
        "{Node} is not used for {Model}: the fingerprint of its checkpoint is {Theirs}, the balancer's is {Ours}")]
    public static partial void OtherCheckpoint(ILogger log, string model, NodeId node, string theirs, string ours);

    [LoggerMessage(4007, LogLevel.Information, "{Model}: waiting for {Wanted} expert nodes (ExpertCluster:Balancer:MinExpertNodes), {Known} are here")]
    public static partial void Waiting(ILogger log, string model, int wanted, int known);

    [LoggerMessage(4009, LogLevel.Warning, "{Node} is given nothing for now: {Reason}")]
    public static partial void Demoted(ILogger log, NodeId node, string reason);

    [LoggerMessage(4010, LogLevel.Information, "{Node} takes experts again: {Reason}")]
    public static partial void Reinstated(ILogger log, NodeId node, string reason);

    [LoggerMessage(4011, LogLevel.Information, "{Model} {Plan} ended: {Done} of {Steps} steps done, {RolledBack} rolled back")]
    public static partial void PlanEnded(ILogger log, string model, string plan, int done, int steps, int rolledBack);

    [LoggerMessage(4012, LogLevel.Information, "{Node} holds nothing any more and may leave")]
    public static partial void Drained(ILogger log, NodeId node);

    [LoggerMessage(4013, LogLevel.Information, "Balancer of {Model} ends here at epoch {Epoch}")]
    public static partial void Ended(ILogger log, string model, long epoch);

    [LoggerMessage(4014, LogLevel.Information, "{Model}: nothing moves, though {Trigger}: {Reason}")]
    public static partial void NoPlan(ILogger log, string model, string trigger, string reason);

    [LoggerMessage(4015, LogLevel.Information, "{Model}: a plan begins, since {Trigger}: {Steps} steps, {Bytes} bytes, predicted gain {Gain:p1}")]
    public static partial void PlanBegins(ILogger log, string model, string trigger, int steps, long bytes, double gain);
}
