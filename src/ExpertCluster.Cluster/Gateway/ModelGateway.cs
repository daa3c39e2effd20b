using System.Runtime.CompilerServices;
using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Models.Generation;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>One model as this gateway serves it. Checks every request before anything starts.</summary>
public sealed class ModelGateway
{
    private readonly GatewayOptions _options;
    private readonly SequenceModel _model;
    private readonly IActorRef _actor;
    private readonly TimeProvider _time;
    private int _layerCalls;

    /// <summary>No request may take longer than this.</summary>
    private static readonly TimeSpan MaxDeadline = TimeSpan.FromDays(1);

    /// <summary>How long after its deadline a call is given up on this side, should the gateway's actor not have answered by then.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    internal ModelGateway(
        string name, GatewayOptions options, ModelShape shape, SequenceModel model, ITextTokenizer? tokenizer, ClusterExperts experts,
        GatewayStatistics statistics, IActorRef actor, TimeProvider time)
    {
        Statistics = statistics;
        Name = name;
        Shape = shape;
        Tokenizer = tokenizer;
        Experts = experts;
        _options = options;
        _model = model;
        _actor = actor;
        _time = time;
    }

    /// <summary>The model's name.</summary>
    public string Name { get; }

    /// <summary>Its sizes.</summary>
    public ModelShape Shape { get; }

    /// <summary>Its tokenizer; null when the checkpoint has none.</summary>
    public ITextTokenizer? Tokenizer { get; }

    /// <summary>Its experts, wherever they live.</summary>
    public ClusterExperts Experts { get; }

    /// <summary>What it holds at this moment.</summary>
    public GatewayStatistics Statistics { get; }

    /// <summary>Tokens of a prompt.</summary>
    /// <exception cref="RequestFailedException">Empty, or the model has no tokenizer.</exception>
    public IReadOnlyList<int> Encode(string prompt)
    {
        if (prompt.Length == 0)
        {
            throw Invalid("prompt is empty; give at least one character");
        }

        var tokenizer = Tokenizer ?? throw Invalid($"prompt is text and the checkpoint of {Name} has no tokenizer that this gateway runs; give token ids");
        return tokenizer.Encode(prompt);
    }

    /// <summary>A forward pass over one sequence; logits float32 <c>[S, V]</c>.</summary>
    /// <exception cref="RequestFailedException">Why there is no answer.</exception>
    /// <exception cref="OperationCanceledException">The token was signalled; cache and queue slot are free.</exception>
    public async Task<float[]> ForwardAsync(ForwardRequest request, CancellationToken cancellationToken)
    {
        CheckTokens("tokens", request.Tokens);
        CheckSource(request.Source);
        if (request.Tokens.Count > Shape.MaxContext)
        {
            throw Invalid($"tokens has {request.Tokens.Count} entries and the context of {Name} holds {Shape.MaxContext}");
        }

        if ((long)request.Tokens.Count * Shape.VocabularySize > Array.MaxLength)
        {
            throw Invalid($"tokens has {request.Tokens.Count} entries; their logits ({Shape.VocabularySize} each) do not fit one array");
        }

        CheckCache(request.Tokens.Count, request.Source?.Count ?? 0, request.Capture is null ? _options.PrefillTokens : int.MaxValue);
        var call = new ForwardCall(request, Deadline(request.Deadline), Shape.VocabularySize);
        using var registration = Submit(call, cancellationToken);
        var logits = await call.Completion.Task.ConfigureAwait(false);
        if (call.IsDegraded)
        {
            request.Degraded?.Invoke();
        }

        return logits;
    }

    /// <summary>Generates. Leaving the enumeration early cancels it.</summary>
    /// <exception cref="RequestFailedException">Why it ended without a finish.</exception>
    public async IAsyncEnumerable<GatewayToken> GenerateAsync(
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Check(request);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var call = new GenerateCall(request, Deadline(request.Deadline), Shape, new TextStream(Tokenizer, request.Stop, continuation: !Shape.IsEncoderDecoder));
        using var registration = Submit(call, left.Token);
        try
        {
            await foreach (var token in call.Output.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return token;
            }
        }
        finally
        {
            await left.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The mixture-of-experts block of one layer on rows float32 <c>[T, H]</c>.</summary>
    /// <param name="id">Request id.</param>
    /// <param name="layer">Model layer index.</param>
    /// <param name="rows">Rows entering the gate.</param>
    /// <param name="tokens">T.</param>
    /// <param name="deadline">How long it may take; the default where null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="timed">Told where the time went, before the answer.</param>
    /// <param name="degraded">Called before the answer where some rows were computed without some of their experts.</param>
    /// <exception cref="RequestFailedException">Why there is no answer.</exception>
    public async Task<float[]> ForwardLayerAsync(
        string id, int layer, ReadOnlyMemory<float> rows, int tokens, TimeSpan? deadline, CancellationToken cancellationToken,
        Action<LayerTiming>? timed = null, Action? degraded = null)
    {
        if (!Shape.MoeLayers.Contains(layer))
        {
            throw Invalid($"layer is {layer}; the layers of {Name} with experts are {Describe(Shape.MoeLayers)}");
        }

        if (tokens < 1 || tokens > _options.MaxLayerRows || rows.Length != (long)tokens * Shape.HiddenSize)
        {
            throw Invalid($"hidden is [{tokens}, {(tokens > 0 ? rows.Length / tokens : 0)}]; {Name} takes 1 to {_options.MaxLayerRows} rows of "
                + $"{Shape.HiddenSize} (ExpertCluster:Gateway:MaxLayerRows)");
        }

        var until = Deadline(deadline);
        for (var i = 0; i < rows.Length; i++)
        {
            if (!float.IsFinite(rows.Span[i]))
            {
                throw Invalid($"hidden[{i / Shape.HiddenSize}, {i % Shape.HiddenSize}] is {rows.Span[i]}; every value must be finite");
            }
        }

        if (Statistics.IsClosed)
        {
            throw new RequestFailedException(RequestError.GatewayUnavailable, "This gateway has stopped.");
        }

        if (Interlocked.Increment(ref _layerCalls) > _options.MaxLayerCalls)
        {
            Interlocked.Decrement(ref _layerCalls);
            throw new RequestFailedException(
                RequestError.QueueFull, $"{_options.MaxLayerCalls} layer calls are under way (ExpertCluster:Gateway:MaxLayerCalls).",
                TimeSpan.FromSeconds(1));
        }

        try
        {
            var started = _time.GetTimestamp();
            var routing = await _model.RouteAsync(layer, rows, tokens).ConfigureAwait(false);
            var gate = _time.GetElapsedTime(started);
            var output = new float[rows.Length];
            var marks = degraded is null ? [] : new bool[tokens];
            var (dispatch, combine) = await Experts.ApplyTimedAsync(
                id, until, layer, new RoutedRows(tokens, Shape.HiddenSize, rows, routing) { Degraded = marks }, output, cancellationToken)
                .ConfigureAwait(false);
            timed?.Invoke(new LayerTiming(gate, dispatch, combine));
            if (marks.Contains(true))
            {
                degraded!();
            }

            return output;
        }
        finally
        {
            Interlocked.Decrement(ref _layerCalls);
        }
    }

    private static string Describe(IReadOnlyList<int> layers) =>
        layers.Count <= 8 ? string.Join(", ", layers) : $"{layers[0]} to {layers[^1]} ({layers.Count} of them)";

    private static RequestFailedException Invalid(string message) => new(RequestError.InvalidRequest, message);

    private void Check(GenerationRequest request)
    {
        CheckTokens("prompt", request.Prompt);
        if (Shape.IsEncoderDecoder && request.Prompt.Count > Shape.MaxContext)
        {
            throw Invalid($"prompt has {request.Prompt.Count} tokens and the encoder of {Name} reads {Shape.MaxContext}");
        }

        if (!Shape.IsEncoderDecoder && request.Prompt.Count >= Shape.MaxContext)
        {
            throw Invalid($"prompt has {request.Prompt.Count} tokens and the context of {Name} holds {Shape.MaxContext}, answer included");
        }

        if (request.MaxTokens < 1)
        {
            throw Invalid($"max-tokens is {request.MaxTokens}; it must be at least 1");
        }

        if (request.Resume.Count > 0)
        {
            CheckTokens("resume", request.Resume);
            if (request.Resume.Count > request.MaxTokens)
            {
                throw Invalid($"resume has {request.Resume.Count} tokens and max-tokens is {request.MaxTokens}");
            }
        }

        if (request.Stop.Count > 16 || request.Stop.Any(string.IsNullOrEmpty))
        {
            throw Invalid($"stop has {request.Stop.Count} texts; at most 16 are taken and none may be empty");
        }

        try
        {
            request.Sampling.Validate();
        }
        catch (ArgumentException e)
        {
            throw Invalid(e.Message);
        }

        var source = Shape.IsEncoderDecoder ? request.Prompt.Count : 0;
        CheckCache((int)Math.Min(Shape.MaxContext, (long)request.Prompt.Count - source + request.MaxTokens), source, _options.PrefillTokens);
    }

    private void CheckSource(IReadOnlyList<int>? source)
    {
        if (!Shape.IsEncoderDecoder)
        {
            if (source is { Count: > 0 })
            {
                throw Invalid($"source has {source.Count} tokens and {Name} has no encoder that could read them");
            }

            return;
        }

        CheckTokens("source", source ?? []);
        if (source!.Count > Shape.MaxContext)
        {
            throw Invalid($"source has {source.Count} tokens and the encoder of {Name} reads {Shape.MaxContext}");
        }
    }

    private void CheckTokens(string field, IReadOnlyList<int> tokens)
    {
        if (tokens.Count == 0)
        {
            throw Invalid($"{field} is empty; give at least one token");
        }

        for (var i = 0; i < tokens.Count; i++)
        {
            if ((uint)tokens[i] >= (uint)Shape.VocabularySize)
            {
                throw Invalid($"{field}[{i}] is {tokens[i]}; token ids of {Name} are 0 to {Shape.VocabularySize - 1}");
            }
        }
    }

    private void CheckCache(int length, int source, int step)
    {
        var bytes = _model.KvBytes(length, source, step);
        if (bytes > _options.KvCacheBytes)
        {
            throw Invalid($"{length + source} tokens need {bytes:N0} bytes of KV cache; ExpertCluster:Gateway:KvCacheBytes is {_options.KvCacheBytes:N0}");
        }
    }

    private DateTimeOffset Deadline(TimeSpan? deadline)
    {
        if (deadline is { } given && (given <= TimeSpan.Zero || given > MaxDeadline))
        {
            throw Invalid($"deadline is {given}; it must be positive and at most {MaxDeadline.TotalHours} hours");
        }

        return _time.GetUtcNow() + (deadline ?? _options.DefaultDeadline);
    }

    private SubmittedCall Submit(GatewayCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _actor.Tell(new GatewayActor.Submit(call));
        if (Statistics.IsClosed)
        {
            call.Fail(new RequestFailedException(RequestError.GatewayUnavailable, "This gateway has stopped."));
        }

        var actor = _actor;
        var registration = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                var (actor, call) = ((IActorRef, GatewayCall))state!;
                actor.Tell(new GatewayActor.GiveUp(call, token));
            },
            (actor, call));

        // A message to an actor that stops at this very moment is answered by nobody.
        var late = new RequestFailedException(RequestError.DeadlineExceeded, "The gateway did not answer before the deadline.");
        var timer = _time.CreateTimer(
            _ => call.Fail(late), null, call.Deadline - _time.GetUtcNow() + Grace, Timeout.InfiniteTimeSpan);
        return new SubmittedCall(registration, timer);
    }

    private sealed class SubmittedCall(CancellationTokenRegistration registration, ITimer timer) : IDisposable
    {
        public void Dispose()
        {
            registration.Dispose();
            timer.Dispose();
        }
    }
}
