using System.Globalization;
using ExpertCluster.Client;
using ExpertCluster.Client.Wire;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Node.Grpc;

/// <summary>Puts what the gateway throws on the wire, as a status and trailers; never a stack trace.</summary>
internal sealed class GatewayErrorInterceptor(ILogger<GatewayErrorInterceptor> logger, IHostApplicationLifetime lifetime) : Interceptor
{
    /// <summary>Key in <see cref="ServerCallContext.UserState"/> under which the service leaves the request's id.</summary>
    public const string RequestIdKey = "ec-request-id";

    // Trailers share a header block that many stacks cap at 8 KiB, and percent-encoding triples the worst case.
    private const int MaxDetailLength = 2000;

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw ToStatus(error, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw ToStatus(error, context);
        }
    }

    private RpcException ToStatus(Exception error, ServerCallContext context)
    {
        string requestId = context.UserState.TryGetValue(RequestIdKey, out object? id) ? (string)id : "-";
        if (error is ExpertClusterException typed)
        {
            if (typed is InternalClusterException)
            {
                GatewayGrpcLog.UnexpectedFailure(logger, typed, context.Method, requestId);
            }
            else
            {
                GatewayGrpcLog.Refused(logger, context.Method, typed.Code, requestId, typed.Message);
            }

            return ToRpc(typed);
        }

        if (context.CancellationToken.IsCancellationRequested)
        {
            if (context.Deadline <= DateTime.UtcNow)
            {
                return ToRpc(new DeadlineExceededException($"The deadline passed before the answer was complete (request {requestId})."));
            }

            GatewayGrpcLog.ClientHungUp(logger, error, context.Method, requestId);
            return new RpcException(new Status(StatusCode.Cancelled, "The client hung up."));
        }

        if (error is OperationCanceledException or ObjectDisposedException && lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return ToRpc(new GatewayUnavailableException($"This gateway is shutting down (request {requestId}). Another one can take the call."));
        }

        GatewayGrpcLog.UnexpectedFailure(logger, error, context.Method, requestId);
        return ToRpc(new InternalClusterException(
            $"The gateway failed in a way it did not expect; its log has the details under request id {requestId}."));
    }

    private static RpcException ToRpc(ExpertClusterException error)
    {
        var trailers = new Metadata
        {
            { ErrorTrailers.Code, error.Code },
            { ErrorTrailers.Retryable, error.IsRetryable ? "true" : "false" },
        };
        if (error is QueueFullException full)
        {
            long milliseconds = Math.Max(0, (long)Math.Ceiling(full.RetryAfter.TotalMilliseconds));
            trailers.Add(ErrorTrailers.RetryAfterMilliseconds, milliseconds.ToString(CultureInfo.InvariantCulture));
        }

        string detail = error.Message.Length <= MaxDetailLength ? error.Message : error.Message[..MaxDetailLength] + "…";
        return new RpcException(new Status(StatusOf(error), detail), trailers);
    }

    // For clients that know gRPC but not our trailers.
    private static StatusCode StatusOf(ExpertClusterException error)
        => error switch
        {
            InvalidRequestException => StatusCode.InvalidArgument,
            ModelNotFoundException => StatusCode.NotFound,
            QueueFullException => StatusCode.ResourceExhausted,
            DeadlineExceededException => StatusCode.DeadlineExceeded,
            ExpertsUnavailableException or GatewayUnavailableException => StatusCode.Unavailable,
            _ => StatusCode.Internal,
        };
}
