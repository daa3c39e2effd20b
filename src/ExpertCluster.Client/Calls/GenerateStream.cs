using System.Runtime.CompilerServices;
using ExpertCluster.Client.Gateways;
using ExpertCluster.Client.Wire;
using ExpertCluster.Protocol.V1;
using Grpc.Core;

namespace ExpertCluster.Client.Calls;

/// <summary>
/// A generation that outlives the gateway it began on: what arrived is sent along to the next one, which goes on behind it.
/// </summary>
internal static class GenerateStream
{
    public static async IAsyncEnumerable<GeneratedToken> RunAsync(
        GatewayPool pool, ExpertClusterClientOptions options, GenerateRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var call = new FailoverCall(pool, options, nameof(ExpertClusterClient.GenerateAsync), request.Options, cancellationToken);
        Protocol.V1.GenerateRequest message = WireMapping.ToWire(request, request.Seed ?? NewSeed(request, options));
        string heldBack = "";
        while (true)
        {
            GatewayChannel gateway = await call.NextAsync().ConfigureAwait(false);
            try
            {
                message.Call = call.Info();
                call.RequireSize(message);
                using AsyncServerStreamingCall<GenerateResponse> attempt = gateway.Stub.Generate(message, call.CallOptions());
                while (await MoveNextAsync(call, gateway, attempt).ConfigureAwait(false))
                {
                    GeneratedToken token = WireMapping.ToToken(attempt.ResponseStream.Current, heldBack);
                    if (token.Id >= 0)
                    {
                        RequireNext(message, token, gateway);
                        message.Resume.Add(token.Id);
                    }
                    else if (token.FinishReason is null)
                    {
                        // Text without a token cannot be named in a resume; it goes out with the token behind it.
                        heldBack = token.Text;
                        continue;
                    }

                    heldBack = "";
                    if (token.FinishReason is not null)
                    {
                        call.Succeeded(gateway);
                        yield return token;
                        yield break;
                    }

                    yield return token;
                }

                heldBack = "";
            }
            finally
            {
                gateway.Release();
            }
        }
    }

    // Without a seed of ours a resumed gateway would draw other numbers than the one that died.
    private static long? NewSeed(GenerateRequest request, ExpertClusterClientOptions options)
    {
        if (request.Temperature == 0)
        {
            return null;
        }

        lock (options.Random)
        {
            return options.Random.NextInt64();
        }
    }

    /// <summary>False where the stream must go on elsewhere.</summary>
    private static async ValueTask<bool> MoveNextAsync(
        FailoverCall call, GatewayChannel gateway, AsyncServerStreamingCall<GenerateResponse> attempt)
    {
        Exception failure;
        try
        {
            if (await attempt.ResponseStream.MoveNext(call.Token).ConfigureAwait(false))
            {
                return true;
            }

            failure = new GatewayUnavailableException("the stream ended without a finish reason");
        }
        catch (Exception error) when (error is RpcException or OperationCanceledException or ObjectDisposedException)
        {
            failure = error;
        }

        call.ThrowUnlessElsewhere(gateway, failure);
        return false;
    }

    private static void RequireNext(Protocol.V1.GenerateRequest message, GeneratedToken token, GatewayChannel gateway)
    {
        if (token.Index != message.Resume.Count)
        {
            throw new InternalClusterException(
                $"GenerateAsync: gateway {gateway.Display} sent token {token.Index} where token {message.Resume.Count} was due "
                + $"(request {message.Call.RequestId}).");
        }
    }
}
