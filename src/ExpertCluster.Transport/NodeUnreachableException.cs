using ExpertCluster.Contracts;

namespace ExpertCluster.Transport;

/// <summary>A node that can't be reached, or stopped answering.</summary>
public sealed class NodeUnreachableException : Exception
{
    /// <summary>Makes one.</summary>
    public NodeUnreachableException(NodeId node, string reason)
        : base($"Node {node} is unreachable: {reason}")
    {
        Node = node;
    }

    /// <summary>The node.</summary>
    public NodeId Node { get; }
}
