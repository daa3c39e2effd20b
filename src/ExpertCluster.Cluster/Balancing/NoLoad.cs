using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Nothing is known of load.</summary>
internal sealed class NoLoad : IBalancerLoad
{
    public static NoLoad Instance { get; } = new();

    public double[]? Demand(string model, int layer) => null;

    public double Speed(NodeId node) => 1;

    public string? Drift(ModelPlacement model, DateTimeOffset now) => null;

    public void Planned(ModelPlacement model, DateTimeOffset now)
    {
    }
}
