using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Models;
using ExpertCluster.Models.Generation;
using ExpertCluster.Tensors;
using Microsoft.Extensions.Logging.Abstractions;

namespace ExpertCluster.Cluster.Tests.Gateway;

/// <summary>A gateway's actor with the dense part of a small model, and experts that the test answers for.</summary>
internal sealed class GatewayHarness : IAsyncDisposable
{
    private readonly ModelCheckpoint _checkpoint = ModelCheckpoint.Open(TestModels.MixtralTiny);
    private readonly DeviceExecutor _executor = new("cpu", 1);
    private readonly SequenceModel _model;

    public GatewayHarness(ActorSystem system, GatewayOptions options, TimeProvider? time = null, int? cachePages = null)
    {
        Time = time ?? TimeProvider.System;
        _model = _executor.Run(() => _checkpoint.LoadDense(_executor));
        if (cachePages is { } pages)
        {
            options.KvCacheBytes = pages * _model.KvBytes(1);
        }

        var (model, shape, statistics, clock) = (_model, _checkpoint.Shape, Statistics, Time);
        Func<string, DateTimeOffset, IExpertBackend> experts = (_, _) => Experts;
        Actor = system.ActorOf(Props.Create(() => new GatewayActor(options, model, shape, experts, statistics, clock, NullLogger.Instance)));
    }

    public HeldExperts Experts { get; } = new();

    public GatewayStatistics Statistics { get; } = new();

    public TimeProvider Time { get; }

    public IActorRef Actor { get; }

    public ModelShape Shape => _checkpoint.Shape;

    /// <summary>Starts a generation; its tokens come out of the call's <see cref="GenerateCall.Output"/>.</summary>
    public GenerateCall Generate(string client, int prompt, int maxTokens, TimeSpan? deadline = null)
    {
        var request = new GenerationRequest(
            Guid.NewGuid().ToString("n"), [.. Enumerable.Range(0, prompt).Select(i => 3 + (i % 50))], maxTokens, new SamplingOptions(), [], [])
        {
            Client = client,
        };
        var call = new GenerateCall(request, Time.GetUtcNow() + (deadline ?? TimeSpan.FromMinutes(1)), Shape, new TextStream(null, [], true));
        Actor.Tell(new GatewayActor.Submit(call));
        return call;
    }

    /// <summary>The caller no longer waits.</summary>
    public void GiveUp(GenerateCall call, CancellationToken token) => Actor.Tell(new GatewayActor.GiveUp(call, token), ActorRefs.NoSender);

    /// <summary>All tokens of a generation, once it has ended.</summary>
    public async Task<List<int>> TokensAsync(GenerateCall call)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        List<int> tokens = [];
        await foreach (var token in call.Output.ReadAllAsync(patience.Token))
        {
            tokens.Add(token.Id);
        }

        return tokens;
    }

    /// <summary>Completes when the actor has taken what was sent before.</summary>
    public Task TakenAsync() => Actor.Ask<ActorIdentity>(new Identify(null), TimeSpan.FromSeconds(20));

    public async ValueTask DisposeAsync()
    {
        Experts.Release();
        await Actor.GracefulStop(TimeSpan.FromSeconds(20));
        await _model.DisposeAsync();
        await _executor.DisposeAsync();
        _checkpoint.Dispose();
    }
}
