using System.Collections.Immutable;
using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Routing;

/// <summary>
/// Sends the rows of one layer to replicas. Rows of concurrent requests that wait for the same expert travel together; one frame goes to
/// each node. What is not answered – a replica gone, busy or late – is sent again until the deadline: a forward pass has no side effects.
/// </summary>
internal sealed class RouterActor : ReceiveActor, IWithTimers
{
    private readonly string _model;
    private readonly int _layer;
    private readonly NodeId _self;
    private readonly RouterOptions _options;
    private readonly PlacementBoard _board;
    private readonly IExpertLane _lane;
    private readonly RouterStatistics _statistics;
    private readonly TimeProvider _time;
    private readonly SegmentQueue[] _waiting;
    private readonly List<RouteWork> _works = [];
    private readonly ReplicaCredits _credits;
    private readonly LossLog _losses;
    private readonly RouteDeadlines _deadlines;
    private readonly NoReplicaPolicy _noReplica;
    private readonly BatchWindow _window;
    private bool _flushing;
    private Action<string, int>? _onLayerChanged;

    public RouterActor(
        string model, int layer, int experts, NodeId self, RouterOptions options, PlacementBoard board, IExpertLane lane,
        RouterStatistics statistics, TimeProvider time, ILogger log)
    {
        _model = model;
        _layer = layer;
        _self = self;
        _options = options;
        _board = board;
        _lane = lane;
        _statistics = statistics;
        _time = time;
        _losses = new LossLog(log, model, layer);
        var missing = new MissingExperts(model, layer, board);
        _deadlines = new RouteDeadlines(model, layer, missing);
        _noReplica = new NoReplicaPolicy(model, layer, experts, options, board, missing, log);
        var router = Self;
        _window = new BatchWindow(options, time, () => router.Tell(Flush.Instance));
        _waiting = new SegmentQueue[experts];
        for (var i = 0; i < experts; i++)
        {
            _waiting[i] = new SegmentQueue();
        }

        _credits = new ReplicaCredits(options.InitialCredits);

        Receive<RouteWork>(Accept);
        Receive<Flush>(_ =>
        {
            _flushing = false;
            SendWaiting();
        });
        Receive<FrameAnswered>(OnAnswer);
        Receive<FrameLost>(OnLost);
        Receive<PlacementChanged>(_ =>
        {
            if (_board.Routes(_model, _layer) is { } routes)
            {
                _credits.Keep(routes.Placement.Replicas.Select(r => r.Replica).ToHashSet());
            }

            SendWaiting();
        });
        Receive<Tick>(_ => OnTick());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var self = Self;
        _onLayerChanged = (model, layer) =>
        {
            if (layer == _layer && model == _model)
            {
                self.Tell(PlacementChanged.Instance);
            }
        };
        _board.LayerChanged += _onLayerChanged;
    }

    protected override void PostStop()
    {
        _board.LayerChanged -= _onLayerChanged;
        _window.Dispose();
        foreach (var work in _works)
        {
            work.Fail(RequestError.GatewayUnavailable, "This gateway is shutting down.");
        }
    }

    private void Accept(RouteWork work)
    {
        if (work.IsOver)
        {
            return;
        }

        var groups = ExpertGroups.Build(work.Rows.Routing, _waiting.Length);
        for (var expert = 0; expert < _waiting.Length; expert++)
        {
            var slots = groups.SlotsOf(expert);
            if (slots.Length > 0)
            {
                _waiting[expert].Enqueue(new Segment(work, expert, slots));
            }
        }

        work.Accepted = _time.GetUtcNow();
        _works.Add(work);
        if (!_flushing)
        {
            // Behind whatever else is in the mailbox: concurrent requests share frames, and a lone one waits for nothing.
            _flushing = true;
            Self.Tell(Flush.Instance);
        }
    }

    private void SendWaiting()
    {
        var routes = _board.Routes(_model, _layer);
        var now = _time.GetUtcNow();
        _noReplica.Enforce(_waiting, now);
        Dictionary<NodeId, List<RoutedSegment>>? outgoing = null;
        _window.Begin();
        for (var expert = 0; expert < _waiting.Length; expert++)
        {
            var queue = _waiting[expert];
            while (queue.TryPeek(out var segment))
            {
                if (segment.Work.IsOver)
                {
                    queue.Dequeue();
                    continue;
                }

                var free = 0;
                if (routes is null || Choose(routes.Ready(expert), now, out free) is not { } replica
                    || _window.Holds(replica.Node, segment.Work, now))
                {
                    break;
                }

                queue.Dequeue();
                if (segment.Slots.Length > free)
                {
                    queue.PutFirst(segment with { Slots = segment.Slots[free..] });
                    segment = segment with { Slots = segment.Slots[..free] };
                }

                outgoing ??= [];
                if (!outgoing.TryGetValue(replica.Node, out var parts))
                {
                    outgoing[replica.Node] = parts = [];
                }

                parts.Add(new RoutedSegment(replica.Replica, segment));
                _credits.Send(replica.Replica, segment.Slots.Length);
            }
        }

        if (outgoing is not null)
        {
            foreach (var (node, parts) in outgoing)
            {
                SendFrames(node, parts, routes!.Placement.Epoch, now);
            }
        }

        _window.End(now);
        UpdateTimer();
    }

    /// <summary>
    /// Nodes that are not behind go first, among them a local replica before a remote one as long as it has room, among those the one with most
    /// free credits.
    /// </summary>
    private ReplicaPlacement? Choose(ImmutableArray<ReplicaPlacement> replicas, DateTimeOffset now, out int free)
    {
        ReplicaPlacement? best = null;
        free = 0;
        foreach (var replica in replicas)
        {
            var room = _credits.Free(replica.Replica, now);
            if (room > 0 && (best is null || Rank(replica, room).CompareTo(Rank(best, free)) > 0))
            {
                best = replica;
                free = room;
            }
        }

        return best;

        (bool, bool, int) Rank(ReplicaPlacement replica, int room) => (!_window.IsBehind(replica.Node), replica.Node == _self, room);
    }

    private void SendFrames(NodeId node, List<RoutedSegment> parts, long epoch, DateTimeOffset now)
    {
        foreach (var frame in OutgoingFrame.Cut(parts, _options.MaxFrameRows))
        {
            _statistics.Sent();
            _window.Sent(node);
            var sent = _time.GetTimestamp();
            _lane.DispatchAsync(node, frame.Gather(_model, _layer, epoch, now, _board.Nodes.GetValueOrDefault(node)), CancellationToken.None)
                .WaitAsync(_options.AttemptTimeout, _time)
                .PipeTo(
                    Self, success: result => new FrameAnswered(node, frame, frame.Checked(result), sent),
                    failure: e => new FrameLost(node, frame, e));
        }
    }

    private void OnAnswer(FrameAnswered answer)
    {
        using var result = answer.Result;
        _window.Ended(answer.Node);
        var at = 0;
        var now = _time.GetUtcNow();
        _statistics.Computed(result.ComputeMicroseconds);
        var roundTrip = _time.GetElapsedTime(answer.Sent);
        for (var i = 0; i < answer.Frame.Parts.Count; i++)
        {
            var (replica, segment) = answer.Frame.Parts[i];
            var status = result.Segments[answer.Frame.SegmentOf[i]];
            if (status.Status == SegmentStatus.Done)
            {
                _credits.Answer(replica, segment.Slots.Length, status.Credits);
                _statistics.Answered(segment);
                segment.Work.Observe(
                    roundTrip, TimeSpan.FromMicroseconds(result.QueueMicroseconds), TimeSpan.FromMicroseconds(result.ComputeMicroseconds));
                segment.Work.Take(segment.Slots.Span, result.Rows, at);
            }
            else
            {
                OnRefused(replica, segment, status, now);
            }

            at += segment.Slots.Length * segment.Work.Rows.HiddenSize;
        }

        SendWaiting();
    }

    private void OnRefused(ReplicaId replica, Segment segment, SegmentResult status, DateTimeOffset now)
    {
        if (status.Status == SegmentStatus.Busy && status.Credits > 0)
        {
            _credits.Answer(replica, segment.Slots.Length, status.Credits);
        }
        else
        {
            _credits.Avoid(replica, segment.Slots.Length, now + _options.RetryBackoff);
        }

        if (status.Status == SegmentStatus.Failed)
        {
            segment = segment with { Failures = segment.Failures + 1 };
            if (segment.Failures >= _options.MaxFailures)
            {
                segment.Work.Fail(
                    RequestError.Internal,
                    $"Expert {segment.Expert} of {_model} layer {_layer} failed {segment.Failures} times on this request, last as {replica}: {status.Detail}");
                return;
            }
        }

        Retry(segment);
    }

    private void OnLost(FrameLost lost)
    {
        var now = _time.GetUtcNow();
        _window.Ended(lost.Node);
        _losses.Report(lost.Node, lost.Frame.Parts.Count, lost.Error.Message, now);
        var until = now + _options.RetryBackoff;
        foreach (var (replica, segment) in lost.Frame.Parts)
        {
            _credits.Avoid(replica, segment.Slots.Length, until);
            Retry(segment);
        }

        SendWaiting();
    }

    private void Retry(Segment segment)
    {
        if (!segment.Work.IsOver)
        {
            _statistics.Retried();
            _waiting[segment.Expert].PutFirst(segment);
        }
    }

    private void OnTick()
    {
        _deadlines.Enforce(_works, _waiting, _time.GetUtcNow());
        SendWaiting();
    }

    /// <summary>Ticks while something is under way, so that deadlines and back-offs are kept; silent when idle.</summary>
    private void UpdateTimer()
    {
        _works.RemoveAll(work => work.IsOver);
        if (_works.Count == 0)
        {
            Timers.Cancel(nameof(Tick));
        }
        else if (!Timers.IsTimerActive(nameof(Tick)))
        {
            Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, _options.RetryBackoff);
        }
    }

    private sealed record FrameAnswered(NodeId Node, OutgoingFrame Frame, DispatchResult Result, long Sent) : INoSerializationVerificationNeeded;

    private sealed record FrameLost(NodeId Node, OutgoingFrame Frame, Exception Error) : INoSerializationVerificationNeeded;

    private sealed record Flush : INoSerializationVerificationNeeded
    {
        public static Flush Instance { get; } = new();
    }

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    private sealed record PlacementChanged : INoSerializationVerificationNeeded
    {
        public static PlacementChanged Instance { get; } = new();
    }
}
