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
internal sealed class ExpertActor : ReceiveActor, IWithTimers
{
    /// <summary>How often a replica that is to go looks whether rows still wait for it.</summary>
    private static readonly TimeSpan RetirementPoll = TimeSpan.FromMilliseconds(20);

    /// <summary>After which it goes nonetheless; the rows are sent elsewhere. Far beyond any queue.</summary>
    private static readonly TimeSpan LongestRetirement = TimeSpan.FromSeconds(10);

    private readonly HostedModel _model;
    private readonly ReplicaId _replica;
    private readonly ExpertHost _host;
    private readonly IActorRef _balancer;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private ReplicaOutcome _state = ReplicaOutcome.Loading;
    private HostedExpert? _expert;
    private ReplicaProbe? _probe;
    private long _reserved;
    private bool _isRetiring;
    private TimeSpan _retireUntil;

    public ExpertActor(HostedModel model, string entityId, ExpertHost host, IActorRef balancer, ILogger log)
    {
        _model = model;
        _replica = ReplicaId.Parse(entityId);
        _host = host;
        _balancer = balancer;
        _log = log;

        Receive<StartReplica>(_ => Report(_state));
        Receive<RetireReplica>(_ => Retire());
        Receive<FinishRetiring>(_ => FinishRetirement());
        Receive<Loaded>(loaded => OnLoaded(loaded.Network, loaded.Probe));
        Receive<LoadFailed>(failed => GiveUp(ReplicaOutcome.Failed, failed.Message));
        Receive<SegmentWork>(Execute);
        Receive<StopReplica>(_ => Drain());
        Receive<Drained>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

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
            Self, success: loaded => new Loaded(loaded.Network, loaded.Probe), failure: e => new LoadFailed(Reason(e)));
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
            var (host, bytes, stopped) = (_host, _reserved, _isRetiring ? ReportOf(ReplicaOutcome.Stopped) : null);
            var balancer = _balancer;
            host.Executor.Free(() =>
            {
                expert.Free();
                host.Memory.Release(bytes);

                // Only now is there room for whatever comes in its place.
                if (stopped is not null)
                {
                    balancer.Tell(stopped);
                }
            });
        }
        else
        {
            _host.Memory.Release(_reserved);
            if (_isRetiring)
            {
                Report(ReplicaOutcome.Stopped);
            }
        }

        _reserved = 0;
    }

    private static async Task<(IExpertNetwork Network, ReplicaProbe Probe)> LoadAsync(HostedModel model, ReplicaId replica, ExpertHost host, CancellationToken stopping)
    {
        await host.LoadTurns.WaitAsync(stopping).ConfigureAwait(false);
        try
        {
            var loaded = await host.Loader.RunAsync(
                () => Load(model, replica, host, torch.device(host.Executor.Device)), stopping).ConfigureAwait(false);
            if (!stopping.IsCancellationRequested)
            {
                return loaded;
            }

            // The actor is gone and nobody will take it.
            host.Loader.Post(loaded.Network.Dispose);
            throw new OperationCanceledException(stopping);
        }
        finally
        {
            host.LoadTurns.Release();
        }
    }

    /// <summary>Runs on the loader.</summary>
    private static (IExpertNetwork Network, ReplicaProbe Probe) Load(HostedModel model, ReplicaId replica, ExpertHost host, torch.Device device)
    {
        var network = model.Checkpoint.LoadExpert(replica.Layer, replica.Expert, device, host.Options.TypeOf(model.Checkpoint));
        try
        {
            var probe = ExpertProbe.Ask(network, device, host.Loader.Threads);
            return (host.Pack(model.Name, replica.Layer, network), probe);
        }
        catch (InvalidDataException e)
        {
            network.Dispose();
            throw new InvalidDataException($"{e.Message} (checkpoint {model.Checkpoint.Directory})", e);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static string Reason(Exception e) => (e is AggregateException { InnerException: { } inner } ? inner : e).Message;

    private void OnLoaded(IExpertNetwork network, ReplicaProbe probe)
    {
        _probe = probe;
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

    /// <summary>The balancer has turned the routers away: what still waits is computed, then the weights are freed.</summary>
    private void Retire()
    {
        if (_isRetiring)
        {
            return;
        }

        _isRetiring = true;
        _retireUntil = _host.Clock + LongestRetirement;
        _host.Unregister(_model.Name, _replica);
        FinishRetirement();
    }

    private void FinishRetirement()
    {
        if (_expert is { IsIdle: false } && _host.Clock < _retireUntil)
        {
            Timers.StartSingleTimer(nameof(FinishRetiring), FinishRetiring.Instance, RetirementPoll);
            return;
        }

        _state = ReplicaOutcome.Stopped;
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
        _balancer.Tell(ReportOf(state, message));
    }

    private ReplicaReport ReportOf(ReplicaOutcome state, string? message = null) => new(
        _model.Name, _replica, _host.Node, state, state == ReplicaOutcome.Ready ? _reserved : 0, message,
        state == ReplicaOutcome.Ready ? _probe : null);

    private sealed record Loaded(IExpertNetwork Network, ReplicaProbe Probe) : INoSerializationVerificationNeeded;

    private sealed record LoadFailed(string Message) : INoSerializationVerificationNeeded;

    private sealed record Drained : INoSerializationVerificationNeeded
    {
        public static Drained Instance { get; } = new();
    }

    private sealed record FinishRetiring : INoSerializationVerificationNeeded
    {
        public static FinishRetiring Instance { get; } = new();
    }
}
