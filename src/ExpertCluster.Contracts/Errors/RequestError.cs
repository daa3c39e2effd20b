namespace ExpertCluster.Contracts;

/// <summary>Kinds of failure a request can end in, inside the cluster.</summary>
public enum RequestError
{
    /// <summary>The call itself was wrong.</summary>
    InvalidRequest,

    /// <summary>No such model here.</summary>
    ModelNotFound,

    /// <summary>The queue is full.</summary>
    QueueFull,

    /// <summary>The deadline passed.</summary>
    DeadlineExceeded,

    /// <summary>Experts had no ready replica, until the deadline or for as long as the router waits.</summary>
    ExpertsUnavailable,

    /// <summary>This gateway is shutting down.</summary>
    GatewayUnavailable,

    /// <summary>Something failed in a way nobody expected.</summary>
    Internal,
}
