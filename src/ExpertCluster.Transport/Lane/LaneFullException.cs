using ExpertCluster.Contracts;

namespace ExpertCluster.Transport;

/// <summary>A link holds as many frames as it may. Nothing was sent; try again later or elsewhere.</summary>
public sealed class LaneFullException(NodeId node, int frames, long bytes)
    : Exception($"The lane to {node} holds {frames} frames of {bytes:N0} bytes that are not answered or not sent, as many as it may.")
{
    /// <summary>The node.</summary>
    public NodeId Node { get; } = node;
}
