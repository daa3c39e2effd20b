using Grpc.Core;
using Grpc.Net.Client;

namespace ExpertCluster.Cli.Drills.Nodes;

/// <summary>
/// Asks one gateway and no other, which the client SDK is made not to do: what does it say once it is cut off? Reads the status and its
/// trailers only.
/// </summary>
internal sealed class GatewayProbe(string endpoint) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(b => b, b => b);

    private static readonly Method<byte[], byte[]> ListModels =
        new(MethodType.Unary, "expertcluster.v1.ExpertClusterGateway", "ListModels", Bytes, Bytes);

    private readonly GrpcChannel _channel = GrpcChannel.ForAddress($"http://{endpoint}");

    /// <summary>Asks once.</summary>
    /// <returns>Code, whether it may be retried, and message of its error; null where it answered, or nothing of the cluster's came back.</returns>
    public async Task<(string Code, bool Retryable, string Message)?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _channel.CreateCallInvoker().AsyncUnaryCall(
                ListModels, null, new CallOptions(deadline: DateTime.UtcNow + Patience, cancellationToken: cancellationToken), []).ResponseAsync;
            return null;
        }
        catch (RpcException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return e.Trailers.GetValue("ec-code") is { } code ? (code, e.Trailers.GetValue("ec-retryable") == "true", e.Status.Detail) : null;
        }
    }

    public void Dispose() => _channel.Dispose();
}
