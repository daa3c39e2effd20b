using ExpertCluster.Cluster.Routing;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>Where the time of one layer call went.</summary>
/// <param name="Gate">The gate, waiting for its device included.</param>
/// <param name="Dispatch">To the experts and back.</param>
/// <param name="Combine">The weighted sum.</param>
public readonly record struct LayerTiming(TimeSpan Gate, DispatchTiming Dispatch, TimeSpan Combine);
