using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Routing;

/// <summary>A segment and the replica it goes to.</summary>
internal readonly record struct RoutedSegment(ReplicaId Replica, Segment Segment)
{
    public int Rows => Segment.Slots.Length;
}
