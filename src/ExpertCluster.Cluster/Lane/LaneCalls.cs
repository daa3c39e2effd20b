using System.Collections.Concurrent;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using MessagePack;

namespace ExpertCluster.Cluster.Lane;

/// <summary>Frames that were sent and not answered yet. Any thread adds; the lane's actor completes, fails and expires them.</summary>
internal sealed class LaneCalls(TimeProvider time)
{
    private readonly ConcurrentDictionary<long, Call> _calls = new();
    private long _last;
    private volatile bool _closed;

    /// <summary>Registers a frame under a new id.</summary>
    /// <exception cref="NodeUnreachableException">The lane has stopped.</exception>
    public (long Id, Task<DispatchResult> Answer) Add(NodeId node, DispatchFrame frame)
    {
        var id = Interlocked.Increment(ref _last);

        // Whoever waits only passes the answer on to its own mailbox: no thread in between.
        var completion = new TaskCompletionSource<DispatchResult>();
        _calls[id] = new Call(completion, node, frame.Segments.Count, frame.Rows.Memory.Length, time.GetUtcNow() + frame.Remaining);
        if (_closed)
        {
            Close();
        }

        return (id, completion.Task);
    }

    /// <summary>An answer from an address. One that nobody waits for, or that comes from somebody else, is dropped.</summary>
    /// <exception cref="MessagePackSerializationException">It is malformed; the call has failed.</exception>
    public void Complete(long id, string address, ReadOnlyMemory<byte> bytes)
    {
        if (!_calls.TryGetValue(id, out var call) || call.Node.Address != address || !_calls.TryRemove(id, out _))
        {
            return;
        }

        try
        {
            call.Completion.TrySetResult(FrameCodec.ReadResult(bytes, call.Segments, call.Values));
        }
        catch (MessagePackSerializationException e)
        {
            call.Completion.TrySetException(new InvalidDataException($"Node {call.Node} sent a malformed answer: {e.Message}", e));
            throw;
        }
    }

    /// <summary>Fails one call.</summary>
    public void Fail(long id, Exception error)
    {
        if (_calls.TryRemove(id, out var call))
        {
            call.Completion.TrySetException(error);
        }
    }

    /// <summary>Fails whatever waits for an address.</summary>
    public void FailAll(string address, string reason)
    {
        foreach (var (id, call) in _calls)
        {
            if (call.Node.Address == address)
            {
                Fail(id, new NodeUnreachableException(call.Node, reason));
            }
        }
    }

    /// <summary>Fails whatever is past its deadline.</summary>
    public void Expire()
    {
        var now = time.GetUtcNow();
        foreach (var (id, call) in _calls)
        {
            if (call.Expires <= now)
            {
                Fail(id, new TimeoutException($"Node {call.Node} did not answer before the deadline."));
            }
        }
    }

    /// <summary>Fails everything, now and from now on.</summary>
    public void Close()
    {
        _closed = true;
        foreach (var (id, call) in _calls)
        {
            Fail(id, new NodeUnreachableException(call.Node, "this node is shutting down"));
        }
    }

    private sealed record Call(
        TaskCompletionSource<DispatchResult> Completion, NodeId Node, int Segments, int Values, DateTimeOffset Expires);
}
