namespace ExpertCluster.Cluster.Hosting;

/// <summary>A port that a node needs is taken or not this machine's.</summary>
public sealed class PortUnavailableException : Exception
{
    /// <summary>Makes one.</summary>
    public PortUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
