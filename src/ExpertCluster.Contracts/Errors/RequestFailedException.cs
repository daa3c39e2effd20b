namespace ExpertCluster.Contracts;

/// <summary>A request ended without an answer, for a reason its sender is told.</summary>
public sealed class RequestFailedException : Exception
{
    /// <summary>Makes one.</summary>
    public RequestFailedException(RequestError error, string message, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(message, inner)
    {
        Error = error;
        RetryAfter = retryAfter;
    }

    /// <summary>What kind of failure.</summary>
    public RequestError Error { get; }

    /// <summary>When it may be worth trying again; set for <see cref="RequestError.QueueFull"/>.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Which rows of a batch have no answer; empty where it is all of them.</summary>
    public IReadOnlyList<int> Rows { get; init; } = [];
}
