namespace ExpertCluster.Cluster.Hosting;

/// <summary>The cluster did not take this node in time.</summary>
public sealed class JoinFailedException : Exception
{
    /// <summary>Makes one.</summary>
    public JoinFailedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
