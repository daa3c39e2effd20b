namespace ExpertCluster.Client;

/// <summary>No gateway could be reached, or the gateway died and no other one could go on.</summary>
public sealed class GatewayUnavailableException : ExpertClusterException
{
    /// <summary>The value of <see cref="ExpertClusterException.Code"/>.</summary>
    public const string ErrorCode = "gateway_unavailable";

    /// <summary>Makes one.</summary>
    public GatewayUnavailableException(string message, Exception? inner = null)
        : base(ErrorCode, message, isRetryable: true, inner)
    {
    }
}
