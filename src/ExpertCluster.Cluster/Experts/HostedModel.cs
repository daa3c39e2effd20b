using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Experts;

/// <summary>A model this node can open.</summary>
/// <param name="Name">Its name in the cluster.</param>
/// <param name="Checkpoint">The open checkpoint; owned by the node's runtime.</param>
public sealed record HostedModel(string Name, ModelCheckpoint Checkpoint)
{
    /// <summary>Layers with experts.</summary>
    public IReadOnlyList<int> Layers => Checkpoint.Shape.MoeLayers;
}
