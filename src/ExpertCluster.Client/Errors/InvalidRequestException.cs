namespace ExpertCluster.Client;

/// <summary>The call itself was wrong; the message names the field, its value and what is allowed.</summary>
public sealed class InvalidRequestException : ExpertClusterException
{
    /// <summary>The value of <see cref="ExpertClusterException.Code"/>.</summary>
    public const string ErrorCode = "invalid_request";

    /// <summary>Makes one.</summary>
    public InvalidRequestException(string message, Exception? inner = null)
        : base(ErrorCode, message, isRetryable: false, inner)
    {
    }
}
