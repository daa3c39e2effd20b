using ExpertCluster.Cluster.Routing;

namespace ExpertCluster.Cluster.Load;

/// <summary>The counters of a model's routers on this node.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Layers">By model layer.</param>
public sealed record RoutedModel(string Model, IReadOnlyDictionary<int, RouterStatistics> Layers);
