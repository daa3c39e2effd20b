namespace ExpertCluster.Cluster.Planning;

/// <summary>A copy of an expert that is there now.</summary>
/// <param name="Expert">Index of the expert in its layer.</param>
/// <param name="Device"><see cref="PlanDevice.Id"/>; a device the problem does not list is gone, and the copy with it.</param>
/// <param name="Pinned">Whether it must stay where it is.</param>
public sealed record PlanReplica(int Expert, string Device, bool Pinned = false);
