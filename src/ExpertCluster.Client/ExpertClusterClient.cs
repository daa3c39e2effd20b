using ExpertCluster.Client.Calls;
using ExpertCluster.Client.Gateways;
using ExpertCluster.Client.Wire;
using ExpertCluster.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;

namespace ExpertCluster.Client;

/// <summary>
/// Talks to a cluster's gateways over gRPC. One instance serves any number of threads and calls. A call whose gateway dies goes on at
/// another one until its deadline; a generation continues behind the tokens that already arrived.
/// </summary>
public sealed class ExpertClusterClient : IExpertClusterClient
{
    private readonly GatewayPool _pool;
    private readonly ExpertClusterClientOptions _options;

    private ExpertClusterClient(GatewayPool pool, ExpertClusterClientOptions options)
    {
        _pool = pool;
        _options = options;
    }

    /// <summary>
    /// The gateways known now, <c>HOST:PORT</c> (with <c>https://</c> in front for TLS); those given to connect and those learned.
    /// </summary>
    public IReadOnlyList<string> Gateways => [.. _pool.Snapshot().Select(gateway => gateway.Display)];

    /// <summary>Connects to the first of some gateways that answers, and learns the cluster's other gateways from it.</summary>
    /// <param name="endpoints">At least one of <c>HOST:PORT</c> (HTTP/2 without TLS) or <c>http(s)://HOST[:PORT]</c>.</param>
    /// <param name="options">Timeouts and limits; the defaults where null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidRequestException">An endpoint is malformed, there is none, or an option is out of range.</exception>
    /// <exception cref="GatewayUnavailableException">
    /// None answered within <see cref="ExpertClusterClientOptions.ConnectTimeout"/>; the message names each and why.
    /// </exception>
    public static async Task<ExpertClusterClient> ConnectAsync(
        IEnumerable<string> endpoints, ExpertClusterClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ExpertClusterClientOptions();
        options.Validate();
        List<Uri> seeds = [.. endpoints.Select(GatewayAddress.Parse).Distinct()];
        if (seeds.Count == 0)
        {
            throw new InvalidRequestException("endpoints is empty; name at least one gateway as HOST:PORT.");
        }

        var pool = new GatewayPool(seeds, options);
        try
        {
            await GatewayConnector.ConnectAsync(pool, options, cancellationToken).ConfigureAwait(false);
            return new ExpertClusterClient(pool, options);
        }
        catch
        {
            await pool.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ModelInfo>> ListModelsAsync(CancellationToken cancellationToken = default)
    {
        ListModelsResponse response = await CallAsync(
            nameof(ListModelsAsync),
            null,
            info => new ListModelsRequest { Call = info },
            (stub, request, options) => stub.ListModelsAsync(request, options),
            cancellationToken).ConfigureAwait(false);
        return [.. response.Models.Select(WireMapping.ToModelInfo)];
    }

    /// <inheritdoc/>
    public async Task<ClusterReport> GetClusterReportAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        GetClusterReportResponse response = await CallAsync(
            nameof(GetClusterReportAsync),
            null,
            info => new GetClusterReportRequest { Call = info, Model = model },
            (stub, request, options) => stub.GetClusterReportAsync(request, options),
            cancellationToken).ConfigureAwait(false);
        return WireMapping.ToReport(response);
    }

    /// <inheritdoc/>
    public async Task<string> OperateAsync(string verb, string? arguments = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(verb);
        OperateResponse response = await CallAsync(
            nameof(OperateAsync),
            null,
            info => new OperateRequest { Call = info, Verb = verb, Arguments = arguments ?? "" },
            (stub, request, options) => stub.OperateAsync(request, options),
            cancellationToken).ConfigureAwait(false);
        return response.Result;
    }

    /// <inheritdoc/>
    public async Task<FloatMatrix> ForwardAsync(
        string model, ReadOnlyMemory<int> tokens, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var message = new ForwardRequest { Model = model };
        message.Tokens.AddRange(tokens.Span);
        if (options is not null)
        {
            message.Source.AddRange(options.Source.Span);
        }

        ForwardResponse response = await CallAsync(
            nameof(ForwardAsync),
            options,
            info =>
            {
                message.Call = info;
                return message;
            },
            (stub, request, callOptions) => stub.ForwardAsync(request, callOptions),
            cancellationToken).ConfigureAwait(false);
        if (response.Degraded)
        {
            options?.Degraded?.Invoke();
        }

        return WireMapping.ToMatrix(response.Logits, nameof(ForwardAsync));
    }

    /// <inheritdoc/>
    public async Task<FloatMatrix> ForwardLayerAsync(
        string model, int layer, FloatMatrix hidden, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(hidden);
        var message = new ForwardLayerRequest { Model = model, Layer = layer, Hidden = WireMapping.ToWire(hidden) };
        ForwardLayerResponse response = await CallAsync(
            nameof(ForwardLayerAsync),
            options,
            info =>
            {
                message.Call = info;
                return message;
            },
            (stub, request, callOptions) => stub.ForwardLayerAsync(request, callOptions),
            cancellationToken).ConfigureAwait(false);
        if (options?.Timed is { } timed && response.Timing is { } timing)
        {
            timed(WireMapping.ToTiming(timing));
        }

        if (response.Degraded)
        {
            options?.Degraded?.Invoke();
        }

        return WireMapping.ToMatrix(response.Hidden, nameof(ForwardLayerAsync));
    }

    /// <inheritdoc/>
    /// <remarks>
    /// When the gateway dies, the same request goes to another one with the tokens received so far; the stream continues without a gap
    /// or a repeat. A sampled request without a seed gets a random one first, so that this holds for it as well.
    /// </remarks>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(GenerateRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return GenerateStream.RunAsync(_pool, _options, request, cancellationToken);
    }

    /// <summary>Ends running calls with <see cref="ObjectDisposedException"/> and closes all connections.</summary>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private async Task<TResponse> CallAsync<TRequest, TResponse>(
        string operation,
        RequestOptions? options,
        Func<CallInfo, TRequest> makeRequest,
        Func<ExpertClusterGateway.ExpertClusterGatewayClient, TRequest, CallOptions, AsyncUnaryCall<TResponse>> send,
        CancellationToken cancellationToken)
        where TRequest : IMessage
    {
        using var call = new FailoverCall(_pool, _options, operation, options, cancellationToken);
        while (true)
        {
            GatewayChannel gateway = await call.NextAsync().ConfigureAwait(false);
            try
            {
                TRequest request = makeRequest(call.Info());
                call.RequireSize(request);
                using AsyncUnaryCall<TResponse> attempt = send(gateway.Stub, request, call.CallOptions());
                TResponse response = await attempt.ResponseAsync.ConfigureAwait(false);
                call.Succeeded(gateway);
                return response;
            }
            catch (Exception error) when (error is RpcException or OperationCanceledException or ObjectDisposedException)
            {
                // A forward pass has no side effects, so doing it again elsewhere is safe.
                call.ThrowUnlessElsewhere(gateway, error);
            }
            finally
            {
                gateway.Release();
            }
        }
    }
}
