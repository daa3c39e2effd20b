using System.Text;
using ExpertCluster.Contracts;
using MessagePack;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Transport.Lane;

/// <summary>Another node's way to this one: its frames come in on one connection, this node's answers go out on the second.</summary>
internal sealed class IncomingLink : IPacketSink, IMessageOwner
{
    private readonly LaneConnection _frames;
    private readonly LaneConnection _answers;
    private readonly LaneLimits _limits;
    private readonly IDispatchHandler _handler;
    private readonly ILogger _log;
    private readonly LaneWriter _writer;
    private readonly LaneReader _reader;
    private readonly object _room = new();
    private readonly LinkLoad _load;
    private string? _model;
    private int _arriving;
    private int _inFlight;
    private bool _ended;

    public IncomingLink(
        NodeId node, LaneConnection frames, LaneConnection answers, byte version, LaneLimits limits, IDispatchHandler handler, ILogger log,
        LaneGauge gauge)
    {
        Node = node;
        _load = new LinkLoad(gauge);
        (_frames, _answers, _limits, _handler, _log) = (frames, answers, limits, handler, log);
        frames.SetPatience(null);
        answers.SetPatience(null);
        _writer = new LaneWriter(answers, limits.ChunkBytes, version, e => End(SocketOptions.Reason(e), null));
        _reader = new LaneReader(frames, version, limits, this);
    }

    /// <summary>The other node.</summary>
    public NodeId Node { get; }

    /// <summary>Frames that are not answered yet.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Frames that arrive or are not answered, and answers that are not sent.</summary>
    public (int Frames, long Bytes) Held => (_load.Frames, _load.Bytes);

    /// <summary>Reads until the link ends. On a thread of its own.</summary>
    public void Run()
    {
        string reason;
        try
        {
            reason = _reader.Run() is { } said ? $"it said: {said}" : "it closed the connection";
        }
        catch (Exception e)
        {
            // Whatever it was: one link ends, not the process.
            reason = SocketOptions.Reason(e);
        }

        End(reason, null);
    }

    /// <summary>Closes for good, with a word to the other end.</summary>
    public void Close(string reason) => End(reason, reason);

    /// <summary>Says that this end lives, and notices when the other does not.</summary>
    public void Beat()
    {
        _writer.Beat();
        if (!_reader.IsWaiting && Environment.TickCount64 - _reader.LastHeard > _limits.SilenceTimeout.TotalMilliseconds)
        {
            End($"it was silent for {_limits.SilenceTimeout.TotalSeconds:0} s", null);
        }
        else if (_writer.Stalled > _limits.SilenceTimeout.TotalMilliseconds)
        {
            // Nothing keeps the other end from reading answers. Its frames are another matter: they may wait here for room.
            End($"it took no answers for {_limits.SilenceTimeout.TotalSeconds:0} s", null);
        }
    }

    public IncomingMessage? Open(ulong id, ReadOnlyMemory<byte> header, long bodyBytes)
    {
        try
        {
            var frame = FrameCodec.ReadFrame(header, bodyBytes, _model);
            _model = frame.Model;
            var held = header.Length + bodyBytes;
            _load.Add(held);
            _arriving++;
            return new IncomingMessage(id, frame, frame.Rows, held);
        }
        catch (MessagePackSerializationException e)
        {
            throw new LaneProtocolException($"it sent a malformed frame: {e.Message}");
        }
    }

    public void Complete(IncomingMessage message)
    {
        _arriving--;
        Interlocked.Increment(ref _inFlight);
        _ = AnswerAsync(message.Id, (DispatchFrame)message.Item, message.Held);
    }

    public void AwaitRoom(long bytes)
    {
        lock (_room)
        {
            // A peer that gave up waiting may send more than it counts, and one that takes no answers leaves them here: either is read no
            // further. What has begun to arrive goes nowhere meanwhile, so that is not waited for.
            while (_load.Frames > _arriving && (_load.Bytes + bytes > _limits.MaxBytesInFlight || _load.Frames >= _limits.MaxFramesInFlight) && !_ended)
            {
                Monitor.Wait(_room);
            }

            if (_ended)
            {
                // Its socket may still have plenty to read for a moment.
                throw new LaneProtocolException("it was closed here");
            }
        }
    }

    /// <summary>An answer is sent, or never will be.</summary>
    public void Left(LaneMessage message)
    {
        lock (_room)
        {
            _load.Remove(message.Held);
            Monitor.PulseAll(_room);
        }
    }

    /// <summary>Answers from whichever thread the last segment ended on.</summary>
    private async Task AnswerAsync(ulong id, DispatchFrame frame, long held)
    {
        LaneMessage answer;
        try
        {
            answer = Message(id, await _handler.HandleAsync(frame).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            LaneLog.AnswerFailed(_log, e);
            answer = Message(id, new DispatchResult(
                [.. frame.Segments.Select(_ => new SegmentResult(SegmentStatus.Failed, 0, e.Message))],
                RowBuffer.Rent(frame.Segments.Sum(s => s.Rows), frame.HiddenSize, frame.Rows.Type), 0));
        }

        frame.Dispose();
        lock (_room)
        {
            // From here on the answer counts in the frame's place.
            Interlocked.Decrement(ref _inFlight);
            _load.Resize(held, answer.Held);
            Monitor.PulseAll(_room);
        }

        _writer.Enqueue(answer);
    }

    private LaneMessage Message(ulong id, DispatchResult result)
    {
        var header = HeaderBuffer.Rent();
        FrameCodec.Write(result, header);
        return new LaneMessage(PacketKind.Open, id, header, result.Rows, this);
    }

    private void End(string reason, string? goodbye)
    {
        lock (_room)
        {
            if (_ended)
            {
                return;
            }

            _ended = true;
            Monitor.PulseAll(_room);
        }

        if (goodbye is not null)
        {
            var text = HeaderBuffer.Rent();
            Encoding.UTF8.GetBytes(goodbye, text);
            _writer.Enqueue(new LaneMessage(PacketKind.Goodbye, 0, text, null));
        }
        else
        {
            LaneLog.AcceptedLost(_log, Node, reason);
        }

        _writer.Dispose();
        _frames.Close();
        _answers.Close();
    }
}
