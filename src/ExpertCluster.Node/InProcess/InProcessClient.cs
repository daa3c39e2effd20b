using System.Runtime.CompilerServices;
using ExpertCluster.Client;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Contracts;
using ExpertCluster.Models.Generation;
using ReplicaReport = ExpertCluster.Client.ReplicaReport;

namespace ExpertCluster.Node.InProcess;

/// <summary>The client's view of this node's own gateway: no network between, the same answers and the same errors.</summary>
public sealed class InProcessClient : IExpertClusterClient
{
    private const int MaxLabel = 128;

    private readonly ClusterRuntime _runtime;

    /// <summary>A client of this node.</summary>
    public InProcessClient(ClusterRuntime runtime) => _runtime = runtime;

    /// <inheritdoc/>
    public Task<IReadOnlyList<ModelInfo>> ListModelsAsync(CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<ModelInfo>>([.. Serving().Gateways.Values.OrderBy(g => g.Name, StringComparer.Ordinal).Select(Describe)]);

    /// <inheritdoc/>
    public Task<ClusterReport> GetClusterReportAsync(string model, CancellationToken cancellationToken = default)
    {
        var gateway = Find(model);
        var held = gateway.Shape.MoeLayers
            .SelectMany(layer => _runtime.Board.Routes(model, layer)?.Placement.Replicas ?? [])
            .Where(r => r.State == ReplicaState.Ready)
            .GroupBy(r => r.Node)
            .ToDictionary(g => g.Key, g => g.Count());
        var nodes = _runtime.Board.Nodes.Values.OrderBy(n => n.Node).Select(n =>
        {
            var holds = n.Roles.Contains(NodeOptions.ExpertRole);
            return new NodeReport(
                n.Node.HostPort, n.Roles, holds ? n.Device : "", holds ? n.Threads : 0, held.GetValueOrDefault(n.Node), n.GatewayEndpoint);
        });
        return Task.FromResult(new ClusterReport(
            model,
            _runtime.Board.Epoch(model),
            [.. nodes],
            [.. gateway.Shape.MoeLayers.Select(layer => gateway.Experts.Statistics(layer).Rows())],
            gateway.Shape.MoeLayers.Sum(layer => gateway.Experts.Statistics(layer).Retries))
        {
            Degraded = gateway.Shape.MoeLayers.Sum(layer => gateway.Experts.Statistics(layer).Degraded),
            Replicas = [.. gateway.Shape.MoeLayers.SelectMany(layer => _runtime.Board.Routes(model, layer)?.Placement.Replicas ?? []).Select(
                r => new ReplicaReport(
                    r.Replica.Layer, r.Replica.Expert, r.Replica.Number, r.Node.HostPort, r.State.ToString().ToLowerInvariant()))],
            Balancer = _runtime.Board.Balancer is { } b
                ? new BalancerReport(b.Node.HostPort, b.State, b.Detail, b.Moves, b.BytesMoved, b.Plans, b.RolledBack) : null,
        });
    }

    /// <inheritdoc/>
    public async Task<string> OperateAsync(string verb, string? arguments = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(verb);
        try
        {
            return await (_runtime.Operations ?? throw new GatewayUnavailableException("This node has not joined its cluster yet."))
                .OperateAsync(verb, arguments ?? "", cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e)
        {
            throw ClientErrors.From(e);
        }
    }

    /// <inheritdoc/>
    public async Task<FloatMatrix> ForwardAsync(
        string model, ReadOnlyMemory<int> tokens, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        var gateway = Find(model);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _runtime.CutOff);
        try
        {
            var logits = await gateway.ForwardAsync(
                new ForwardRequest(
                    IdOf(options), tokens.ToArray(), Deadline: options?.Deadline, Source: options is null ? null : options.Source.ToArray())
                {
                    Client = ClientOf(options),
                    Degraded = options?.Degraded,
                },
                ending.Token).ConfigureAwait(false);
            return new FloatMatrix(tokens.Length, gateway.Shape.VocabularySize, logits);
        }
        catch (RequestFailedException e)
        {
            throw ClientErrors.From(e);
        }
        catch (OperationCanceledException) when (IsCutOff(cancellationToken))
        {
            throw ClientErrors.CutOff();
        }
    }

    /// <inheritdoc/>
    public async Task<FloatMatrix> ForwardLayerAsync(
        string model, int layer, FloatMatrix hidden, RequestOptions? options = null, CancellationToken cancellationToken = default)
    {
        var gateway = Find(model);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _runtime.CutOff);
        try
        {
            var output = await gateway.ForwardLayerAsync(
                IdOf(options), layer, hidden.Values, hidden.Rows, options?.Deadline, ending.Token,
                options?.Timed is { } timed ? measured => timed(Timing(measured)) : null, options?.Degraded)
                .ConfigureAwait(false);
            return new FloatMatrix(hidden.Rows, hidden.Columns, output);
        }
        catch (RequestFailedException e)
        {
            throw ClientErrors.From(e);
        }
        catch (OperationCanceledException) when (IsCutOff(cancellationToken))
        {
            throw ClientErrors.CutOff();
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(
        GenerateRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var gateway = Find(request.Model);
        var prompt = Prompt(gateway, request);
        var sampling = new SamplingOptions
        {
            Temperature = (float)request.Temperature,
            TopK = request.TopK,
            TopP = (float)request.TopP,
            Seed = request.Seed ?? Random.Shared.NextInt64(),
        };
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _runtime.CutOff);
        var tokens = gateway.GenerateAsync(
            new GenerationRequest(
                IdOf(request.Options), prompt, request.MaxTokens, sampling, request.Stop, request.Resume, request.Options.Deadline)
            {
                Client = ClientOf(request.Options),
            },
            ending.Token).GetAsyncEnumerator(ending.Token);
        await using var _ = tokens.ConfigureAwait(false);
        while (true)
        {
            try
            {
                if (!await tokens.MoveNextAsync().ConfigureAwait(false))
                {
                    yield break;
                }
            }
            catch (RequestFailedException e)
            {
                throw ClientErrors.From(e);
            }
            catch (OperationCanceledException) when (IsCutOff(cancellationToken))
            {
                throw ClientErrors.CutOff();
            }

            var token = tokens.Current;
            yield return new GeneratedToken
            {
                Index = token.Index,
                Id = token.Id,
                Text = token.Text,
                FinishReason = token.End switch
                {
                    EndReason.Stop => FinishReason.Stop,
                    EndReason.Length => FinishReason.Length,
                    _ => null,
                },
                PromptTokens = token.End is null ? 0 : prompt.Count,
                IsDegraded = token.IsDegraded,
            };
        }
    }

    /// <summary>Nothing to free: the node owns everything.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Client.LayerTiming Timing(Cluster.Gateway.LayerTiming measured)
    {
        var dispatch = measured.Dispatch;
        return new Client.LayerTiming(
            measured.Gate, dispatch.Total - dispatch.RoundTrip, dispatch.RoundTrip - dispatch.Queue - dispatch.Compute, dispatch.Queue,
            dispatch.Compute, measured.Combine, dispatch.LongestCompute);
    }

    private static string IdOf(RequestOptions? options)
    {
        var id = options?.RequestId ?? Guid.NewGuid().ToString("n");
        return id.Length > 0 && IsLabel(id)
            ? id
            : throw new InvalidRequestException($"request id has {id.Length} characters; it must be 1 to {MaxLabel} printable ASCII characters");
    }

    private static string ClientOf(RequestOptions? options)
    {
        var client = options?.Client ?? "";
        return IsLabel(client)
            ? client
            : throw new InvalidRequestException($"client has {client.Length} characters; it must be at most {MaxLabel} printable ASCII characters");
    }

    // It ends up in logs, where a line break could forge an entry.
    private static bool IsLabel(string text) => text.Length <= MaxLabel && text.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0;

    private static IReadOnlyList<int> Prompt(ModelGateway gateway, GenerateRequest request)
    {
        if (request.Stop is null || request.Resume is null || request.Options is null)
        {
            throw new InvalidRequestException("stop, resume and options must not be null; leave them out for none");
        }

        if (request.Prompt is not null && request.PromptTokens is not null)
        {
            throw new InvalidRequestException("prompt and prompt tokens are both given; give one of them");
        }

        try
        {
            return request.PromptTokens ?? gateway.Encode(request.Prompt ?? "");
        }
        catch (RequestFailedException e)
        {
            throw ClientErrors.From(e);
        }
    }

    private bool IsCutOff(CancellationToken caller) => _runtime.CutOff.IsCancellationRequested && !caller.IsCancellationRequested;

    private ClusterRuntime Serving() => _runtime.CutOff.IsCancellationRequested ? throw ClientErrors.CutOff() : _runtime;

    private ModelGateway Find(string? model) => string.IsNullOrEmpty(model)
        ? throw new InvalidRequestException("model is empty; name one that the cluster serves")
        : Serving().Gateways.TryGetValue(model, out var gateway)
        ? gateway
        : throw new ModelNotFoundException(_runtime.Gateways.IsEmpty
            ? $"This node answers for no model, so not for '{model}' either; it has the gateway role when ExpertCluster:Node:Roles says so."
            : $"There is no model '{model}' here; there is {string.Join(", ", _runtime.Gateways.Keys.Order())}.");

    private ModelInfo Describe(ModelGateway gateway) => new(
        gateway.Name, gateway.Shape.Family, gateway.Shape.MoeLayers.Length, gateway.Shape.ExpertsPerLayer, gateway.Shape.ExpertsPerToken,
        gateway.Shape.HiddenSize, gateway.Shape.VocabularySize, gateway.Shape.MaxContext,
        _runtime.Board.ReadyExperts(gateway.Name, gateway.Shape.MoeLayers), gateway.Shape.IsEncoderDecoder);
}
