using System.Globalization;
using Grpc.Core;

namespace ExpertCluster.Client.Wire;

/// <summary>Turns what gRPC throws back into what the gateway threw.</summary>
internal static class ErrorMapping
{
    /// <summary>The gateway's own error, or null where the status came from the transport.</summary>
    public static ExpertClusterException? FromGateway(RpcException error)
    {
        if (error.Trailers.GetValue(ErrorTrailers.Code) is not { Length: > 0 } code)
        {
            return null;
        }

        string message = error.Status.Detail;
        return code switch
        {
            DeadlineExceededException.ErrorCode => new DeadlineExceededException(message, error),
            ExpertsUnavailableException.ErrorCode => new ExpertsUnavailableException(message, error),
            GatewayUnavailableException.ErrorCode => new GatewayUnavailableException(message, error),
            InternalClusterException.ErrorCode => new InternalClusterException(message, error),
            InvalidRequestException.ErrorCode => new InvalidRequestException(message, error),
            ModelNotFoundException.ErrorCode => new ModelNotFoundException(message, error),
            QueueFullException.ErrorCode => new QueueFullException(message, RetryAfter(error.Trailers), error),
            _ => new InternalClusterException(code, message, error.Trailers.GetValue(ErrorTrailers.Retryable) == "true", error),
        };
    }

    /// <summary>The error for a status that neither a gateway named nor another gateway could better; null where one could.</summary>
    public static ExpertClusterException? FromTransport(RpcException error, string endpoint, string operation)
        => error.StatusCode switch
        {
            StatusCode.Unavailable or StatusCode.Internal or StatusCode.Unknown or StatusCode.Aborted or StatusCode.DataLoss
                or StatusCode.Cancelled => null,
            StatusCode.ResourceExhausted => new InvalidRequestException(
                $"{operation}: a message is too large for the client or for gateway {endpoint} ({error.Status.Detail}). "
                + $"Send fewer rows or tokens, or raise {nameof(ExpertClusterClientOptions)}.{nameof(ExpertClusterClientOptions.MaxMessageBytes)} "
                + "here and the message limits of the gateway.",
                error),
            StatusCode.Unimplemented => new InternalClusterException(
                "unimplemented",
                $"{operation}: {endpoint} does not know this call. Check that it is an ExpertCluster gateway, no older than this client.",
                isRetryable: false,
                error),
            _ => new InternalClusterException(
                $"grpc_{error.StatusCode.ToString().ToLowerInvariant()}",
                $"{operation}: {endpoint} answered {error.StatusCode}: {error.Status.Detail}",
                isRetryable: false,
                error),
        };

    private static TimeSpan RetryAfter(Metadata trailers)
        => long.TryParse(
            trailers.GetValue(ErrorTrailers.RetryAfterMilliseconds), NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)
            && milliseconds <= TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond
            ? TimeSpan.FromMilliseconds(milliseconds)
            : TimeSpan.Zero;
}
