namespace ExpertCluster.Cli.Drills.View;

/// <summary>All that a drill learns of a cluster, but for its traffic and its nodes' logs.</summary>
internal interface IClusterView
{
    /// <summary>Experts of the model, over all layers.</summary>
    int Experts { get; }

    /// <summary>Looks; null when no gateway answered in time.</summary>
    Task<ClusterSnapshot?> LookAsync(CancellationToken cancellationToken);
}
