using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Placement;

internal static partial class PlacementLog
{
    /// <summary>Two writers of one epoch would be two balancers; drills read this line, and from it who holds what.</summary>
    [LoggerMessage(4101, LogLevel.Debug, "Placement of {Model} layer {Layer}: epoch {Epoch} written by {Writer}; ready: {Ready}")]
    public static partial void Learned(ILogger log, string model, int layer, long epoch, NodeId writer, string ready);
}
