namespace ExpertCluster.Client;

/// <summary>A node failed in a way it did not expect; its log has the details under the request id.</summary>
public sealed class InternalClusterException : ExpertClusterException
{
    /// <summary>The value of <see cref="ExpertClusterException.Code"/>, unless a newer gateway named another.</summary>
    public const string ErrorCode = "internal";

    /// <summary>Makes one.</summary>
    public InternalClusterException(string message, Exception? inner = null)
        : base(ErrorCode, message, isRetryable: false, inner)
    {
    }

    /// <summary>Makes one that keeps a code this version of the SDK has no type for, as a newer gateway may send.</summary>
    /// <param name="code">The value of <see cref="ExpertClusterException.Code"/>.</param>
    /// <param name="message">What went wrong.</param>
    /// <param name="isRetryable">Whether the gateway said that a retry may succeed.</param>
    /// <param name="inner">The error this one was made from.</param>
    public InternalClusterException(string code, string message, bool isRetryable, Exception? inner = null)
        : base(code, message, isRetryable, inner)
    {
    }
}
