namespace ExpertCluster.Client;

/// <summary>The cluster serves no model of that name.</summary>
public sealed class ModelNotFoundException : ExpertClusterException
{
    /// <summary>The value of <see cref="ExpertClusterException.Code"/>.</summary>
    public const string ErrorCode = "model_not_found";

    /// <summary>Makes one.</summary>
    public ModelNotFoundException(string message, Exception? inner = null)
        : base(ErrorCode, message, isRetryable: false, inner)
    {
    }
}
