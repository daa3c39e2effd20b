using System.Collections.Concurrent;
using Akka.Actor;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Lane;

/// <summary>
/// A lane over Akka's own connections: frames are cut into chunks below the frame size. Correct and simple, an order of magnitude below
/// what a socket carries. Whoever sends, sends from its own thread; what arrives goes through one actor.
/// </summary>
public sealed class ChunkedLane : IExpertLane
{
    /// <summary>Name of the lane's actor below <c>/user</c>, the same on every node.</summary>
    public const string ActorName = "lane";

    private readonly NodeId _self;
    private readonly LaneOptions _options;
    private readonly IDispatchHandler _handler;
    private readonly IActorRefProvider _provider;
    private readonly ReachableNodes _reachable;
    private readonly LaneCalls _calls;
    private readonly ConcurrentDictionary<string, IActorRef> _peers = new();

    private ChunkedLane(
        ActorSystem system, NodeId self, LaneOptions options, IDispatchHandler handler, TimeProvider time, ILogger log)
    {
        _self = self;
        _options = options;
        _handler = handler;
        _provider = ((ExtendedActorSystem)system).Provider;
        _reachable = new ReachableNodes(time);
        _calls = new LaneCalls(time);
        var (reachable, calls) = (_reachable, _calls);
        Actor = system.ActorOf(
            Props.Create(() => new ChunkedLaneActor(options, handler, reachable, calls, time, log)), ActorName);
    }

    /// <summary>What receives chunks.</summary>
    internal IActorRef Actor { get; }

    /// <summary>Starts the lane of a node.</summary>
    /// <param name="system">The node's actor system, which is part of a cluster.</param>
    /// <param name="self">The node.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="handler">Answers frames that arrive.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">Where trouble is told.</param>
    public static ChunkedLane Start(
        ActorSystem system, NodeId self, LaneOptions options, IDispatchHandler handler, TimeProvider time, ILogger log) =>
        new(system, self, options, handler, time, log);

    /// <inheritdoc/>
    public Task<DispatchResult> DispatchAsync(NodeId node, DispatchFrame frame, CancellationToken cancellationToken)
    {
        if (node == _self)
        {
            return HandOverAsync(frame);
        }

        using (frame)
        {
            if (_reachable.WhyNot(node.Address) is { } known)
            {
                return Task.FromException<DispatchResult>(new NodeUnreachableException(node, known));
            }

            var bytes = FrameCodec.Write(frame);
            if (bytes.Length > _options.MaxFrameBytes)
            {
                return Task.FromException<DispatchResult>(new InvalidOperationException(
                    $"A frame of {bytes.Length:N0} bytes; ExpertCluster:Lane:MaxFrameBytes is {_options.MaxFrameBytes:N0}."));
            }

            var (id, answer) = _calls.Add(node, frame);
            SendChunks(Peer(node.Address), Actor, id, false, bytes, _options.ChunkBytes);
            if (_reachable.WhyNot(node.Address) is { } reason)
            {
                // It went away between the two looks, and nobody may have seen this call then.
                _calls.Fail(id, new NodeUnreachableException(node, reason));
            }

            return cancellationToken.CanBeCanceled ? answer.WaitAsync(cancellationToken) : answer;
        }
    }

    /// <summary>Sends a frame's bytes in pieces; all from one thread, so that they arrive in order.</summary>
    internal static void SendChunks(IActorRef peer, IActorRef sender, long frame, bool isReply, byte[] bytes, int chunkBytes)
    {
        var offset = 0;
        do
        {
            var length = Math.Min(chunkBytes, bytes.Length - offset);
            peer.Tell(new TensorChunk(frame, isReply, bytes.Length, offset, bytes.AsMemory(offset, length)), sender);
            offset += length;
        }
        while (offset < bytes.Length);
    }

    private IActorRef Peer(string address) => _peers.GetOrAdd(
        address, static (a, provider) => provider.ResolveActorRef($"{a}/user/{ActorName}"), _provider);

    private async Task<DispatchResult> HandOverAsync(DispatchFrame frame)
    {
        using (frame)
        {
            return await _handler.HandleAsync(frame).ConfigureAwait(false);
        }
    }
}
