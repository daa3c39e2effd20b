namespace ExpertCluster.Client;

/// <summary>The request's deadline passed before the answer was complete.</summary>
public sealed class DeadlineExceededException : ExpertClusterException
{
    /// <summary>The value of <see cref="ExpertClusterException.Code"/>.</summary>
    public const string ErrorCode = "deadline_exceeded";

    /// <summary>Makes one.</summary>
    public DeadlineExceededException(string message, Exception? inner = null)
        : base(ErrorCode, message, isRetryable: true, inner)
    {
    }
}
