namespace ExpertCluster.Client.Wire;

/// <summary>Names of the gRPC trailers that carry an <see cref="ExpertClusterException"/>.</summary>
public static class ErrorTrailers
{
    /// <summary>
    /// <see cref="ExpertClusterException.Code"/>. A status without it did not come from a gateway but from the transport.
    /// </summary>
    public const string Code = "ec-code";

    /// <summary><c>true</c> or <c>false</c>: <see cref="ExpertClusterException.IsRetryable"/>.</summary>
    public const string Retryable = "ec-retryable";

    /// <summary><see cref="QueueFullException.RetryAfter"/> in whole milliseconds.</summary>
    public const string RetryAfterMilliseconds = "ec-retry-after-ms";
}
