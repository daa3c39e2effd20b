using ExpertCluster.Contracts;

namespace ExpertCluster.Transport;

/// <summary>Carries rows to the experts of a node and brings their answers back.</summary>
public interface IExpertLane
{
    /// <summary>Sends a frame and completes with its answer. The frame belongs to the lane from here on, which disposes of it.</summary>
    /// <param name="node">Where the frame's replicas live; may be this node itself.</param>
    /// <param name="frame">Segments and rows.</param>
    /// <param name="cancellationToken">Gives up waiting; a late answer is dropped.</param>
    /// <exception cref="NodeUnreachableException">The node is gone, or went away before it answered.</exception>
    Task<DispatchResult> DispatchAsync(NodeId node, DispatchFrame frame, CancellationToken cancellationToken);
}
