using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ExpertCluster.Contracts;
using ExpertCluster.Transport.Lane;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Transport;

/// <summary>
/// The lane of one node: tensors travel on connections of their own, outside the control connections. A link per pair of nodes and direction;
/// frames of several requests share it, take turns in chunks, and are answered in any order.
/// </summary>
public sealed class TensorLane : IExpertLane, IDisposable
{
    private static readonly ConcurrentDictionary<NodeId, TensorLane> InProcess = new();
    private static readonly TimeSpan LongestTick = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ShortestTick = TimeSpan.FromMilliseconds(20);

    private readonly LaneIdentity _identity;
    private readonly LaneLimits _limits;
    private readonly IDispatchHandler _handler;
    private readonly Func<NodeId, LaneEndpoint?> _locate;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly LaneListener _listener;
    private readonly LaneGauge _gauge = new();
    private readonly ConcurrentDictionary<NodeId, OutgoingLink> _links = new();
    private readonly ConcurrentDictionary<NodeId, string> _unreachable = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ITimer _timer;
    private long _lastBeat;
    private volatile bool _closed;

    private TensorLane(
        LaneIdentity identity, IPEndPoint listen, LaneLimits limits, IDispatchHandler handler, Func<NodeId, LaneEndpoint?> locate,
        TimeProvider time, ILogger log)
    {
        (_identity, _limits, _handler, _locate, _time, _log) = (identity, limits, handler, locate, time, log);
        _listener = new LaneListener(listen, identity, limits, handler, log, _gauge);
        var tick = limits.HeartbeatInterval / 2;
        tick = tick > LongestTick ? LongestTick : tick < ShortestTick ? ShortestTick : tick;
        _timer = time.CreateTimer(_ => Tick(), null, tick, tick);
    }

    /// <summary>The port it listens on.</summary>
    public int Port => _listener.Port;

    /// <summary>Where other nodes reach it, over TCP and, from this host, over its Unix socket.</summary>
    /// <param name="host">Name or address of this node.</param>
    public LaneEndpoint Endpoint(string host) => _listener.SocketPath is { } path
        ? new LaneEndpoint(host, Port, LaneSocketFile.HostId, path) : new LaneEndpoint(host, Port);

    /// <summary>Links that are up, to other nodes and from them.</summary>
    public (int Outgoing, int Incoming) Links => (_links.Values.Count(link => link.IsUp), _listener.Links.Count);

    /// <summary>Frames sent and received that are not answered yet.</summary>
    public (int Sent, int Received) InFlight => (_links.Values.Sum(link => link.InFlight), _listener.Links.Sum(link => link.InFlight));

    /// <summary>Frames and bytes held for other nodes: without an answer, or not yet taken by a peer that reads slowly.</summary>
    public (int Frames, long Bytes) Held
    {
        get
        {
            (int Frames, long Bytes)[] held = [.. _links.Values.Select(link => link.Held), .. _listener.Links.Select(link => link.Held)];
            return (held.Sum(h => h.Frames), held.Sum(h => h.Bytes));
        }
    }

    /// <summary>The most frames, and the most bytes, that any one link has held at once.</summary>
    public (int Frames, long Bytes) LongestQueue => _gauge.Longest;

    /// <summary>Row buffers of this process that somebody holds: each was rented and not disposed of yet.</summary>
    public static long BuffersRented => PinnedPool.Shared.Rented;

    /// <summary>Bytes of row buffers that this process keeps for whoever rents next.</summary>
    public static long BufferBytesKept => PinnedPool.Shared.Kept;

    /// <summary>Starts to listen.</summary>
    /// <param name="identity">Who this node is.</param>
    /// <param name="listen">Address and port; a port of 0 takes a free one.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="handler">Answers frames that arrive.</param>
    /// <param name="locate">Where another node's lane listens; null while that is not known.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">Where trouble is told.</param>
    /// <exception cref="SocketException">The address can not be listened on.</exception>
    public static TensorLane Start(
        LaneIdentity identity, IPEndPoint listen, LaneLimits limits, IDispatchHandler handler, Func<NodeId, LaneEndpoint?> locate,
        TimeProvider time, ILogger log)
    {
        var lane = new TensorLane(identity, listen, limits, handler, locate, time, log);
        if (limits.HandOverInProcess)
        {
            InProcess[identity.Self] = lane;
        }

        return lane;
    }

    /// <inheritdoc/>
    public Task<DispatchResult> DispatchAsync(NodeId node, DispatchFrame frame, CancellationToken cancellationToken)
    {
        if (WhyNot(node) is { } reason)
        {
            frame.Dispose();
            return Task.FromException<DispatchResult>(new NodeUnreachableException(node, reason));
        }

        var near = node == _identity.Self ? this : _limits.HandOverInProcess ? InProcess.GetValueOrDefault(node) : null;
        if (near is not null)
        {
            return HandOverAsync(near, frame);
        }

        try
        {
            var answer = _links.GetOrAdd(
                node, static (id, lane) => new OutgoingLink(lane._identity, id, lane._locate, lane._limits, lane._time, lane._log, lane._gauge), this).SendAsync(frame);
            return cancellationToken.CanBeCanceled ? answer.WaitAsync(cancellationToken) : answer;
        }
        catch (Exception e) when (e is NodeUnreachableException or LaneFullException or InvalidOperationException)
        {
            return Task.FromException<DispatchResult>(e);
        }
    }

    /// <summary>Membership lost sight of a node: what waits for it fails now, and nothing is sent until it is back.</summary>
    public void SetUnreachable(NodeId node, string reason)
    {
        _unreachable[node] = reason;
        if (_links.TryGetValue(node, out var link))
        {
            link.FailPending(reason);
        }
    }

    /// <summary>A node is back.</summary>
    public void SetReachable(NodeId node) => _unreachable.TryRemove(node, out _);

    /// <summary>A node is gone for good; one that comes back at its address is another.</summary>
    public void Forget(NodeId node, string reason)
    {
        _unreachable.TryRemove(node, out _);
        if (_links.TryRemove(node, out var link))
        {
            link.Close(reason);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        _stopping.Cancel();
        InProcess.TryRemove(new KeyValuePair<NodeId, TensorLane>(_identity.Self, this));
        _timer.Dispose();
        _listener.Dispose();
        foreach (var link in _links.Values)
        {
            link.Close("this node is shutting down");
        }
    }

    /// <summary>To a handler of this process. A lane that stops fails what its handler has not answered, as a broken connection would.</summary>
    private static async Task<DispatchResult> HandOverAsync(TensorLane near, DispatchFrame frame)
    {
        try
        {
            var result = await near._handler.HandleAsync(frame).WaitAsync(near._stopping.Token).ConfigureAwait(false);
            frame.Dispose();
            return result;
        }
        catch (OperationCanceledException) when (near._closed)
        {
            // The frame stays as it is: somebody may still compute with it.
            throw new NodeUnreachableException(near._identity.Self, "it is shutting down");
        }
    }

    private string? WhyNot(NodeId node) => _closed ? "this node is shutting down" : _unreachable.GetValueOrDefault(node);

    private void Tick()
    {
        var now = _time.GetTimestamp();
        var beat = _lastBeat == 0 || _time.GetElapsedTime(_lastBeat, now) >= _limits.HeartbeatInterval;
        _lastBeat = beat ? now : _lastBeat;
        foreach (var link in _links.Values)
        {
            link.Expire();
            if (beat)
            {
                link.Beat();
            }
        }

        foreach (var link in beat ? _listener.Links : [])
        {
            link.Beat();
        }
    }
}
