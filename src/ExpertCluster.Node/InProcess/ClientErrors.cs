using ExpertCluster.Client;
using ExpertCluster.Contracts;

namespace ExpertCluster.Node.InProcess;

/// <summary>The cluster's own failures in the client's types.</summary>
internal static class ClientErrors
{
    /// <summary>What a gateway says that no longer belongs to the cluster.</summary>
    public static GatewayUnavailableException CutOff() =>
        new("this node was cut off from the majority of the cluster and stopped serving; ask another gateway");

    public static ExpertClusterException From(RequestFailedException error) => error.Error switch
    {
        RequestError.InvalidRequest => new InvalidRequestException(error.Message, error),
        RequestError.ModelNotFound => new ModelNotFoundException(error.Message, error),
        RequestError.QueueFull => new QueueFullException(error.Message, error.RetryAfter ?? TimeSpan.FromSeconds(1), error),
        RequestError.DeadlineExceeded => new DeadlineExceededException(error.Message, error),
        RequestError.ExpertsUnavailable => new ExpertsUnavailableException(error.Message, error),
        RequestError.GatewayUnavailable => new GatewayUnavailableException(error.Message, error),
        _ => new InternalClusterException(error.Message, error),
    };
}
