namespace ExpertCluster.Client;

/// <summary>The root of everything a cluster answers instead of a result.</summary>
public abstract class ExpertClusterException : Exception
{
    /// <summary>Makes one.</summary>
    protected ExpertClusterException(string code, string message, bool isRetryable, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        IsRetryable = isRetryable;
    }

    /// <summary>A stable word for programs, such as <c>queue_full</c>; the same in process and over the network.</summary>
    public string Code { get; }

    /// <summary>True when the same call may succeed later or elsewhere. A forward pass has no side effects, so a retry is always safe.</summary>
    public bool IsRetryable { get; }
}
