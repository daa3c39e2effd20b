namespace ExpertCluster.Cluster.Planning;

/// <summary>An expert on a device: wanted there (a pin) or refused there (an exclusion).</summary>
/// <param name="Layer"><see cref="PlanLayer.Layer"/>.</param>
/// <param name="Expert">Index of the expert in its layer.</param>
/// <param name="Device"><see cref="PlanDevice.Id"/>.</param>
public sealed record PlanPlace(int Layer, int Expert, string Device);
