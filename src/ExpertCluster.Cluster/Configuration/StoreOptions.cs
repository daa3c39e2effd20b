namespace ExpertCluster.Cluster.Configuration;

/// <summary>What the balancer remembers beyond its process, and where.</summary>
public sealed class StoreOptions
{
    /// <summary>A <see cref="Path"/> that means memory only.</summary>
    public const string InMemory = "none";

    /// <summary>The file, or <c>none</c> for memory only. By default <c>$XDG_STATE_HOME/expertcluster/HASH.db</c>, or the same below the user's local
    /// application data, with a hash of the node's host and port; memory only where the port is a free one, since no later start would find the file. No
    /// two nodes may share one.</summary>
    public string? Path { get; set; }

    internal void Validate(OptionsErrors errors)
    {
        if (Path is not null)
        {
            errors.NotEmpty("Store:Path", Path);
        }
    }
}
