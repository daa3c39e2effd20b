using ExpertCluster.Cluster.Balancing;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Balancing;

/// <summary>Load that a simulation sets, and a detector that confirms a change once.</summary>
internal sealed class SimulatedLoad(int layers, int experts) : IBalancerLoad
{
    private readonly double[][] _demand = Even(layers, experts);
    private double[][] _planned = Even(layers, experts);

    public void Change(int layer, int expert, double load) => _demand[layer][expert] = load;

    public double[] Demand(string model, int layer) => _demand[layer];

    public double Speed(NodeId node) => 1;

    public string? Drift(ModelPlacement model, DateTimeOffset now) =>
        _planned.Zip(_demand).All(layer => layer.First.SequenceEqual(layer.Second)) ? null : "the load is another";

    public void Planned(ModelPlacement model, DateTimeOffset now) => _planned = [.. _demand.Select(layer => layer.ToArray())];

    private static double[][] Even(int layers, int experts) => [.. Enumerable.Range(0, layers).Select(_ => Enumerable.Repeat(1.0, experts).ToArray())];
}
