namespace ExpertCluster.Client;

/// <summary>Some experts of the model have no ready replica, and none appeared before the deadline.</summary>
public sealed class ExpertsUnavailableException : ExpertClusterException
{
    /// <summary>The value of <see cref="ExpertClusterException.Code"/>.</summary>
    public const string ErrorCode = "experts_unavailable";

    /// <summary>Makes one.</summary>
    public ExpertsUnavailableException(string message, Exception? inner = null)
        : base(ErrorCode, message, isRetryable: true, inner)
    {
    }
}
