using ExpertCluster.Contracts;

namespace ExpertCluster.Transport;

/// <summary>Faults that a rehearsal injects into a lane. In production there are none.</summary>
public interface ILaneFaults
{
    /// <summary>Whether nothing may pass between this node and another, as if the network between them were cut.</summary>
    bool IsBlocked(NodeId node);
}
