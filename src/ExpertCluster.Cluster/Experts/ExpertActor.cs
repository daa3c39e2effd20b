using Akka.Actor;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace ExpertCluster.Cluster.Experts;

/// <summary>
/// One copy of one expert. Loads its own tensors, tells the balancer, answers segments until it is told to stop. A fault of one segment is
/// that segment's; a fault of loading ends the actor with a report.
/// </summary>
internal sealed class ExpertActor : ReceiveActor
{
    private readonly HostedModel _model;
    private readonly ReplicaId _replica;
    private readonly ExpertHost _host;
    private readonly IActorRef _balancer;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private ReplicaOutcome _state = ReplicaOutcome.Loading;
    private HostedExpert? _expert;
    private long _reserved;

    public ExpertActor(HostedModel model, string entityId, ExpertHost host, IActorRef balancer, ILogger log)
    {
        _model = model;
        _replica = ReplicaId.Parse(entityId);
        _host = host;
        _balancer = balancer;
        _log = log;

        Receive<StartReplica>(_ => Report(_state));
        Receive<Loaded>(loaded => OnLoaded(loaded.Network));
        Receive<LoadFailed>(failed => GiveUp(ReplicaOutcome.Failed, failed.Message));
        Receive<SegmentWork>(Execute);
        Receive<StopReplica>(_ => Drain());
        Receive<Drained>(_ => Context.Stop(Self));
    }

    public static Props Props(HostedModel model, string entityId, ExpertHost host, IActorRef balancer, ILogger log) =>
        Akka.Actor.Props.Create(() => new ExpertActor(model, entityId, host, balancer, log));

    protected override void PreStart()
    {
        var bytes = _host.ExpertBytes(_model);
        if (!_host.Memory.TryReserve(bytes))
        {
            GiveUp(ReplicaOutcome.Refused, $"it needs {bytes:N0} bytes and {_host.Memory.Limit - _host.Memory.Used:N0} of this node's "
                + $"{_host.Memory.Limit:N0} are free (ExpertCluster:Experts:MemoryBytes)");
            return;
        }

        _reserved = bytes;
        LoadAsync(_model, _replica, _host, _stopping.Token).PipeTo(
            Self, success: network => new Loaded(network), failure: e => new LoadFailed(Reason(e)));
    }

    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        _host.Unregister(_model.Name, _replica);
        if (_expert is { } expert)
        {
            // On the executor, behind whatever still computes with it.
            _expert = null;
            var (host, bytes) = (_host, _reserved);
            host.Executor.Free(() =>
            {
                expert.Free();
                host.Memory.Release(bytes);
            });
        }
        else
        {
            _host.Memory.Release(_reserved);
        }

        _reserved = 0;
    }

    private static async Task<IExpertNetwork> LoadAsync(HostedModel model, ReplicaId replica, ExpertHost host, CancellationToken stopping)
    {
        await host.LoadTurns.WaitAsync(stopping).ConfigureAwait(false);
        try
        {
            var network = await host.Loader.RunAsync(
                () => Load(model, replica, host, torch.device(host.Executor.Device)), stopping).ConfigureAwait(false);
            if (!stopping.IsCancellationRequested)
            {
                return network;
            }

            // The actor is gone and nobody will take it.
            host.Loader.Post(network.Dispose);
            throw new OperationCanceledException(stopping);
        }
        finally
        {
            host.LoadTurns.Release();
        }
    }

    /// <summary>Runs on the loader. One row through the new weights: they are paged in, compiled for, and known to give numbers.</summary>
    private static IExpertNetwork Load(HostedModel model, ReplicaId replica, ExpertHost host, torch.Device device)
    {
        var network = model.Checkpoint.LoadExpert(replica.Layer, replica.Expert, device, host.Options.TypeOf(model.Checkpoint));
        try
        {
            var probe = new float[network.HiddenSize];
            Array.Fill(probe, 1f);
            var answer = new float[probe.Length];
            ExpertNetworkRunner.Run(network, probe, 1, answer, device);
            return answer.All(float.IsFinite)
                ? host.Pack(model.Name, replica.Layer, network)
                : throw new InvalidDataException($"its weights turn a row of ones into numbers that are not finite (checkpoint {model.Checkpoint.Directory})");
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static string Reason(Exception e) => (e is AggregateException { InnerException: { } inner } ? inner : e).Message;

    private void OnLoaded(IExpertNetwork network)
    {
        _expert = new HostedExpert(_replica, network, _host.Options.MaxQueuedRows);
        _host.Register(_model.Name, _replica, Self);
        Report(ReplicaOutcome.Ready);
    }

    private void Execute(SegmentWork work)
    {
        if (_expert is null || _state == ReplicaOutcome.Stopped)
        {
            work.Refuse(new SegmentResult(SegmentStatus.NotHere, 0));
        }
        else
        {
            work.Accept(_expert);
        }
    }

    private void Drain()
    {
        _host.Unregister(_model.Name, _replica);
        Report(ReplicaOutcome.Stopped);

        // Segments the lane looked up before the line above may still be behind this message: they are answered "not here" and sent again.
        Self.Tell(Drained.Instance);
    }

    private void GiveUp(ReplicaOutcome outcome, string reason)
    {
        ExpertLog.GaveUp(_log, _model.Name, _replica, _host.Node, reason);
        Report(outcome, reason);
        Context.Stop(Self);
    }

    private void Report(ReplicaOutcome state, string? message = null)
    {
        _state = state;
        _balancer.Tell(new ReplicaReport(
            _model.Name, _replica, _host.Node, state, state == ReplicaOutcome.Ready ? _reserved : 0, message));
    }

    private sealed record Loaded(IExpertNetwork Network) : INoSerializationVerificationNeeded;

    private sealed record LoadFailed(string Message) : INoSerializationVerificationNeeded;

    private sealed record Drained : INoSerializationVerificationNeeded
    {
        public static Drained Instance { get; } = new();
    }
}
