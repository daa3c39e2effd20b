using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Node.Embedded;

/// <summary>A whole cluster in one process.</summary>
public sealed class EmbeddedClusterOptions
{
    /// <summary>Number of nodes, 1 to 64, each an actor system of its own with real connections between them. Default 1.</summary>
    public int Nodes { get; set; } = 1;

    /// <summary>libtorch threads of each node's executor, 1 to 1024. Default 1: results are then the same for any number of nodes.</summary>
    public int Threads { get; set; } = 1;

    /// <summary>Directories of the checkpoints to serve.</summary>
    public IList<string> Models { get; set; } = [];

    /// <summary>Further settings, called for each node with its index.</summary>
    public Action<int, ExpertClusterOptions>? Configure { get; set; }

    /// <summary>Called with the first node's runtime when checkpoints are open and nothing has started: what it throws ends the start.</summary>
    public Action<Cluster.Hosting.ClusterRuntime>? BeforeStart { get; set; }

    internal void Validate()
    {
        if (Nodes is < 1 or > 64)
        {
            throw new ArgumentOutOfRangeException(nameof(Nodes), Nodes, "nodes must be 1 to 64");
        }

        if (Threads is < 1 or > 1024)
        {
            throw new ArgumentOutOfRangeException(nameof(Threads), Threads, "threads must be 1 to 1024");
        }
    }
}
