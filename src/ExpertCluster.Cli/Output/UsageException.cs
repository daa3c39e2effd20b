namespace ExpertCluster.Cli.Output;

/// <summary>The call itself was wrong: exit code 2.</summary>
public sealed class UsageException : Exception
{
    /// <summary>Makes one.</summary>
    public UsageException(string message)
        : base(message)
    {
    }
}
