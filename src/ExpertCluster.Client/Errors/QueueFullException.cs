namespace ExpertCluster.Client;

/// <summary>The gateway's queue is full; nothing was started.</summary>
public sealed class QueueFullException : ExpertClusterException
{
    /// <summary>The value of <see cref="ExpertClusterException.Code"/>.</summary>
    public const string ErrorCode = "queue_full";

    /// <summary>Makes one.</summary>
    public QueueFullException(string message, TimeSpan retryAfter, Exception? inner = null)
        : base(ErrorCode, message, isRetryable: true, inner)
    {
        RetryAfter = retryAfter;
    }

    /// <summary>How long to wait before trying again.</summary>
    public TimeSpan RetryAfter { get; }
}
