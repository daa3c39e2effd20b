using ExpertCluster.Contracts;

namespace ExpertCluster.Transport;

/// <summary>A link carries as many unanswered frames as it may. Nothing was sent; try again later or elsewhere.</summary>
public sealed class LaneFullException(NodeId node, int frames, long bytes)
    : Exception($"The lane to {node} has {frames} frames of {bytes:N0} bytes without an answer, as many as it may have.")
{
    /// <summary>The node.</summary>
    public NodeId Node { get; } = node;
}
