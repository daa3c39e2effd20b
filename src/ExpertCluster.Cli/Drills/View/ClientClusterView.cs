using ExpertCluster.Cli.Drills.Traffic;
using ExpertCluster.Client;

namespace ExpertCluster.Cli.Drills.View;

/// <summary>A view through the client SDK.</summary>
internal sealed class ClientClusterView(IExpertClusterClient client, ModelInfo model, DrillClock clock, Func<IReadOnlyList<PlacedReplica>?> placement) : IClusterView
{
    /// <inheritdoc/>
    public int Experts { get; } = model.Layers * model.ExpertsPerLayer;

    /// <inheritdoc/>
    public async Task<ClusterSnapshot?> LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            var report = await client.GetClusterReportAsync(model.Name, cancellationToken);

            // Once ClusterReport has replicas, moves and bytes_moved, Placement, Moves and BytesMoved are to be filled from there.
            return new ClusterSnapshot(
                clock.Now, report.Epoch,
                report.Nodes.Where(n => n.Roles.Contains("expert")).ToDictionary(n => n.Address, n => n.Experts),
                [.. report.Nodes.Select(n => n.Address)], report.TokensRouted, report.Retries, placement());
        }
        catch (ExpertClusterException)
        {
            return null;
        }
    }
}
