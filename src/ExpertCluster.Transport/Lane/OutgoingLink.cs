using System.Text;
using ExpertCluster.Contracts;
using MessagePack;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// This node's way to one other: frames go out on one connection, answers come back on a second one. Connects when there is something to
/// send, again after a pause when that failed. When it ends, whatever waits for an answer fails at once, to be sent elsewhere.
/// </summary>
internal sealed class OutgoingLink : IPacketSink
{
    private readonly LaneIdentity _identity;
    private readonly NodeId _node;
    private readonly Func<NodeId, LaneEndpoint?> _locate;
    private readonly LaneLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, PendingCall> _pending = [];
    private readonly LaneQueue _waiting = new();
    private readonly LinkLoad _load;
    private Thread? _thread;
    private LaneWriter? _writer;
    private LaneReader? _reader;
    private LaneConnection? _frames;
    private LaneConnection? _answers;
    private ulong _last;
    private long _pauseUntil;
    private TimeSpan _pause;
    private string? _trouble;
    private bool _closed;

    public OutgoingLink(
        LaneIdentity identity, NodeId node, Func<NodeId, LaneEndpoint?> locate, LaneLimits limits, TimeProvider time, ILogger log,
        LaneGauge gauge)
    {
        (_identity, _node, _locate, _limits, _time, _log) = (identity, node, locate, limits, time, log);
        _pause = limits.ReconnectMin;
        _load = new LinkLoad(gauge);
    }

    /// <summary>Frames without an answer.</summary>
    public int InFlight
    {
        get
        {
            lock (_gate)
            {
                return _pending.Count;
            }
        }
    }

    /// <summary>Frames without an answer, and those that a slow reader has not taken yet though nobody waits for them any more.</summary>
    public (int Frames, long Bytes) Held => (_load.Frames, _load.Bytes);

    /// <summary>Whether it is connected.</summary>
    public bool IsUp => Volatile.Read(ref _writer) is not null;

    /// <summary>Takes a frame over.</summary>
    /// <exception cref="NodeUnreachableException">It is not connected, and the next attempt is not due.</exception>
    /// <exception cref="LaneFullException">It holds as much as it may.</exception>
    public Task<DispatchResult> SendAsync(DispatchFrame frame)
    {
        var header = HeaderBuffer.Rent();
        FrameCodec.Write(frame, header);
        LaneWriter? writer;
        LaneMessage message;
        PendingCall call;
        lock (_gate)
        {
            long bytes = header.Length + frame.Rows.Bytes.Count;
            if (Refusal(bytes) is { } refusal)
            {
                header.Dispose();
                frame.Dispose();
                throw refusal;
            }

            call = new PendingCall(
                frame.Segments.Count, frame.Rows.Bytes.Count / sizeof(float), bytes, _time.GetTimestamp(), frame.Remaining, _load);
            call.Message = message = new LaneMessage(PacketKind.Open, ++_last, header, frame.Rows, call);
            _pending.Add(message.Id, call);
            _load.Add(bytes);
            writer = _writer;
            if (writer is null)
            {
                _waiting.Enqueue(message);
                if (_thread is null)
                {
                    _thread = new Thread(Run) { IsBackground = true, Name = $"lane to {_node.HostPort}" };
                    _thread.Start();
                }
            }
        }

        // A writer that closes meanwhile fails all that is pending.
        writer?.Enqueue(message);
        return call.Task;
    }

    /// <summary>Fails whatever waits for an answer: membership knows more than the connection.</summary>
    public void FailPending(string reason) => Fail(_ => true, _ => new NodeUnreachableException(_node, reason));

    /// <summary>Closes for good.</summary>
    public void Close(string reason)
    {
        lock (_gate)
        {
            _closed = true;
            _trouble = reason;
        }

        End(reason, goodbye: true);
    }

    /// <summary>Says that this end lives, and notices when the other does not.</summary>
    public void Beat()
    {
        Volatile.Read(ref _writer)?.Beat();
        if (Volatile.Read(ref _reader) is { } reader && Environment.TickCount64 - reader.LastHeard > _limits.SilenceTimeout.TotalMilliseconds)
        {
            End($"it was silent for {_limits.SilenceTimeout.TotalSeconds:0} s", goodbye: false);
        }
    }

    /// <summary>Fails calls whose deadline is over.</summary>
    public void Expire() => Fail(
        call => _time.GetElapsedTime(call.Started) >= call.Patience,
        _ => new TimeoutException($"Node {_node} did not answer before the deadline."));

    public IncomingMessage? Open(ulong id, ReadOnlyMemory<byte> header, long bodyBytes)
    {
        PendingCall? call;
        lock (_gate)
        {
            call = _pending.GetValueOrDefault(id);
        }

        if (call is null)
        {
            // Expired or failed meanwhile; nobody wants it.
            return null;
        }

        try
        {
            var result = FrameCodec.ReadResult(header, bodyBytes, call.Segments, call.Values);
            return new IncomingMessage(id, result, result.Rows);
        }
        catch (MessagePackSerializationException e)
        {
            throw new LaneProtocolException($"it sent a malformed answer: {e.Message}");
        }
    }

    public void Complete(IncomingMessage message)
    {
        PendingCall? call;
        lock (_gate)
        {
            _pending.Remove(message.Id, out call);
        }

        call?.Over();
        if (call is null || !call.Answer((DispatchResult)message.Item))
        {
            message.Item.Dispose();
        }
    }

    public void AwaitRoom(long bytes)
    {
        // Answers have the room of their frames.
    }

    private Exception? Refusal(long bytes)
    {
        if (_closed || (_writer is null && _thread is null && _time.GetTimestamp() < _pauseUntil))
        {
            return new NodeUnreachableException(_node, _trouble ?? "the lane is closed");
        }

        return bytes > _limits.MaxFrameBytes
            ? new InvalidOperationException($"A frame of {bytes:N0} bytes; ExpertCluster:Lane:MaxFrameBytes is {_limits.MaxFrameBytes:N0}.")
            : _load.Frames >= _limits.MaxFramesInFlight || (_load.Frames > 0 && _load.Bytes + bytes > _limits.MaxBytesInFlight)
                ? new LaneFullException(_node, _load.Frames, _load.Bytes)
                : null;
    }

    /// <summary>Fails calls, and takes back those of their frames of which nothing was sent.</summary>
    private void Fail(Func<PendingCall, bool> which, Func<PendingCall, Exception> why)
    {
        List<PendingCall>? failed = null;
        LaneWriter? writer;
        lock (_gate)
        {
            foreach (var call in _pending.Values)
            {
                if (which(call))
                {
                    (failed ??= []).Add(call);
                }
            }

            foreach (var call in failed ?? [])
            {
                _pending.Remove(call.Message.Id);
                if (_waiting.Remove(call.Message))
                {
                    call.Message.Dispose();
                }
            }

            writer = _writer;
        }

        foreach (var call in failed ?? [])
        {
            writer?.Withdraw(call.Message);
            call.Over();
            call.Fail(why(call));
        }
    }

    private void Run()
    {
        string reason;
        try
        {
            reason = Connect().Run() is { } said ? $"it said: {said}" : "it closed the connection";
        }
        catch (Exception e)
        {
            // Whatever it was: one link ends, not the process.
            reason = SocketOptions.Reason(e);
        }

        End(reason, goodbye: false, threadEnds: true);
    }

    /// <summary>Opens the link. The reader is handed on: a link that is closed at this moment has none any more.</summary>
    private LaneReader Connect()
    {
        var endpoint = _locate(_node) ?? throw new LaneProtocolException("it has not said yet where its lane is");
        var (frames, answers, version) = LaneConnector.Connect(_identity, _node, endpoint, _limits, _time);
        List<LaneMessage> waiting = [];
        var reader = new LaneReader(answers, version, _limits, this);
        var writer = new LaneWriter(frames, _limits.ChunkBytes, version, e => End(SocketOptions.Reason(e), goodbye: false));
        lock (_gate)
        {
            if (_closed)
            {
                frames.Close();
                answers.Close();
                writer.Dispose();
                throw new LaneProtocolException(_trouble ?? "the lane is closed");
            }

            (_frames, _answers, _reader) = (frames, answers, reader);
            _pause = _limits.ReconnectMin;
            _trouble = null;

            while (_waiting.TryDequeue(out var message))
            {
                waiting.Add(message);
            }

            Volatile.Write(ref _writer, writer);
        }

        waiting.ForEach(message => writer.Enqueue(message));
        LaneLog.Connected(_log, _node, endpoint, frames.Kind, version);
        return reader;
    }

    private void End(string reason, bool goodbye, bool threadEnds = false)
    {
        List<PendingCall> failed;
        LaneWriter? writer;
        LaneConnection? frames, answers;
        bool wasUp;
        lock (_gate)
        {
            (writer, frames, answers) = (_writer, _frames, _answers);
            wasUp = writer is not null;
            _thread = threadEnds ? null : _thread;
            (_reader, _frames, _answers) = (null, null, null);
            Volatile.Write(ref _writer, null);
            _waiting.Clear();
            failed = [.. _pending.Values];
            _pending.Clear();
            if (!_closed)
            {
                _trouble = reason;
                _pauseUntil = _time.GetTimestamp() + (long)(_pause.TotalSeconds * _time.TimestampFrequency);
                if (!wasUp && failed.Count > 0)
                {
                    LaneLog.NotConnected(_log, _node, reason, _pause);
                }

                _pause = TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, _limits.ReconnectMax.Ticks));
            }
        }

        if (goodbye && writer is not null)
        {
            var text = HeaderBuffer.Rent();
            Encoding.UTF8.GetBytes(reason, text);
            writer.Enqueue(new LaneMessage(PacketKind.Goodbye, 0, text, null));
        }

        writer?.Dispose();
        frames?.Close();
        answers?.Close();
        if (wasUp && !_closed)
        {
            LaneLog.Lost(_log, _node, reason);
        }

        foreach (var call in failed)
        {
            call.Over();
            call.Fail(new NodeUnreachableException(_node, reason));
        }
    }
}
