using System.Collections.Immutable;

namespace ExpertCluster.Contracts;

/// <summary>
/// Node to balancer: what it counted of one model since its last report, and only what changed. A report that is lost loses its increments; nothing
/// is counted twice, since nothing is sent twice.
/// </summary>
/// <param name="Node">Whose.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Device">Its device now; null where it holds no experts, or said so in another report just now.</param>
/// <param name="Demand">What its routers were asked for, by layer and expert.</param>
/// <param name="Work">What its replicas did.</param>
public sealed record LoadReport(
    NodeId Node, string Model, DeviceLoad? Device, ImmutableArray<ExpertDemand> Demand, ImmutableArray<ReplicaWork> Work) : IClusterMessage
{
    /// <summary>The same work by kinds of batches; empty from nodes too old to say.</summary>
    public ImmutableArray<BatchWork> Batches { get; init; } = [];
}
