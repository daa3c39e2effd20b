using System.Globalization;
using Akka.DistributedData;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Placement;

/// <summary>Names under which placements and node descriptions are published.</summary>
internal static class PlacementKeys
{
    /// <summary>One key a layer, so that a change of one layer sends one layer.</summary>
    public static LWWRegisterKey<LayerPlacement> Layer(string model, int layer) =>
        new(string.Create(CultureInfo.InvariantCulture, $"placement/{model}/L{layer:00}"));

    /// <summary>What the balancer is about.</summary>
    public static LWWRegisterKey<BalancerStatus> Balancer { get; } = new("balancer");

    /// <summary>One key an address: a node that restarts in place overwrites its former self.</summary>
    public static LWWRegisterKey<NodeDescription> Node(string address) => new($"node/{address}");
}
