using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using MessagePack;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Lane;

/// <summary>The receiving end of a lane: puts chunks together, has frames answered, and fails what waits for a node that went away.</summary>
internal sealed class ChunkedLaneActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly LaneOptions _options;
    private readonly IDispatchHandler _handler;
    private readonly ReachableNodes _reachable;
    private readonly LaneCalls _calls;
    private readonly ChunkAssembler _assembler;
    private readonly ILogger _log;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

    public ChunkedLaneActor(
        LaneOptions options, IDispatchHandler handler, ReachableNodes reachable, LaneCalls calls, TimeProvider time, ILogger log)
    {
        _options = options;
        _handler = handler;
        _reachable = reachable;
        _calls = calls;
        _assembler = new ChunkAssembler(options, time, log);
        _log = log;

        Receive<TensorChunk>(OnChunk);
        Receive<Sweep>(_ =>
        {
            _calls.Expire();
            _assembler.Expire();
        });
        Receive<ClusterEvent.UnreachableMember>(e => Lost(e.Member.Address, "it does not answer heartbeats", true));
        Receive<ClusterEvent.ReachableMember>(e => _reachable.Back(e.Member.Address.ToString()));
        Receive<ClusterEvent.MemberRemoved>(e => Lost(e.Member.Address, "it left the cluster", true));
        Receive<ClusterEvent.MemberUp>(e => _reachable.Back(e.Member.Address.ToString()));
        Receive<ClusterEvent.IClusterDomainEvent>(_ => { });
        Receive<DisassociatedEvent>(e => Lost(e.RemoteAddress, "its connection was lost", false));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Sweep), Sweep.Instance, SweepInterval);
        _cluster.Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent));
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
    }

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        _calls.Close();
    }

    private void OnChunk(TensorChunk chunk)
    {
        var from = Sender.Path.Address;
        if (_assembler.Add(from, chunk) is not { } bytes)
        {
            return;
        }

        try
        {
            if (chunk.IsReply)
            {
                _calls.Complete(chunk.FrameId, from.ToString(), bytes);
            }
            else
            {
                _ = AnswerAsync(FrameCodec.ReadFrame(bytes), chunk.FrameId, Sender, Self);
            }
        }
        catch (MessagePackSerializationException e)
        {
            LaneLog.Malformed(_log, from.ToString(), e.Message);
        }
    }

    /// <summary>Answers from whichever thread the last segment ended on. Touches nothing of the actor's state.</summary>
    private async Task AnswerAsync(DispatchFrame frame, long id, IActorRef peer, IActorRef self)
    {
        using (frame)
        {
            try
            {
                using var result = await _handler.HandleAsync(frame).ConfigureAwait(false);
                ChunkedLane.SendChunks(peer, self, id, true, FrameCodec.Write(result), _options.ChunkBytes);
            }
            catch (Exception e)
            {
                LaneLog.AnswerFailed(_log, e);
                var failed = frame.Segments.Select(_ => new SegmentResult(SegmentStatus.Failed, 0, e.Message)).ToArray();
                using var result = new DispatchResult(failed, RowBuffer.Rent(frame.Segments.Sum(s => s.Rows), frame.HiddenSize), 0);
                ChunkedLane.SendChunks(peer, self, id, true, FrameCodec.Write(result), _options.ChunkBytes);
            }
        }
    }

    private void Lost(Address address, string reason, bool confirmed)
    {
        var text = address.ToString();
        if (confirmed)
        {
            _reachable.Down(text, reason);
        }
        else
        {
            _reachable.ConnectionLost(text);
        }

        _calls.FailAll(text, reason);
        _assembler.Forget(address);
    }

    private sealed record Sweep : INoSerializationVerificationNeeded
    {
        public static Sweep Instance { get; } = new();
    }
}
