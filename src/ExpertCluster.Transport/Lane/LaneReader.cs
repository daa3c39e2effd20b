using System.Text;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// Reads packets on a thread of its own. A body goes from the socket to where it is used; the same read brings the packets behind it. At
/// most 16 KiB of each body, what came with its header, are copied.
/// </summary>
internal sealed class LaneReader(LaneConnection connection, byte version, LaneLimits limits, IPacketSink sink)
{
    private const int ScratchBytes = 16 * 1024;

    // 5,000 segments; a frame has at most as many as rows.
    private const int MaxHeaderBytes = 1 << 20;

    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(ScratchBytes, pinned: true);
    private readonly List<ArraySegment<byte>> _scatter = [default, default];
    private readonly Dictionary<ulong, IncomingMessage> _open = [];
    private readonly Dictionary<ulong, long> _skipped = [];
    private long _assembling;
    private int _start;
    private int _end;
    private volatile bool _waiting;
    private long _lastHeard = Environment.TickCount64;

    /// <summary>When anything was last heard, on the clock of <see cref="Environment.TickCount64"/>.</summary>
    public long LastHeard => Volatile.Read(ref _lastHeard);

    /// <summary>Whether it waits for room instead of the peer.</summary>
    public bool IsWaiting => _waiting;

    /// <summary>Reads until the link ends.</summary>
    /// <returns>What the peer gave as reason; null when it just closed.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">The connection broke.</exception>
    /// <exception cref="LaneProtocolException">The peer broke the rules.</exception>
    public string? Run()
    {
        try
        {
            while (Ensure(PacketPrefix.Size))
            {
                var prefix = PacketPrefix.Read(_scratch.AsSpan(_start), version);
                _start += PacketPrefix.Size;
                switch (prefix.Kind)
                {
                    case PacketKind.Heartbeat:
                        break;
                    case PacketKind.Goodbye:
                        return Encoding.UTF8.GetString(Header(prefix.HeaderBytes).Span);
                    case PacketKind.Open:
                        Open(prefix);
                        break;
                    case PacketKind.More:
                        More(prefix);
                        break;
                    default:
                        throw new LaneProtocolException($"it sent a packet of the unknown kind {(byte)prefix.Kind}");
                }
            }

            return null;
        }
        finally
        {
            foreach (var message in _open.Values)
            {
                message.Item.Dispose();
            }
        }
    }

    private void Open(PacketPrefix prefix)
    {
        if (prefix.BodyBytes + prefix.HeaderBytes > limits.MaxFrameBytes)
        {
            throw new LaneProtocolException(
                $"it sent a frame of {prefix.BodyBytes + prefix.HeaderBytes:N0} bytes; at most {limits.MaxFrameBytes:N0} are taken");
        }

        if (_open.ContainsKey(prefix.Id) || _skipped.ContainsKey(prefix.Id))
        {
            throw new LaneProtocolException("it began a frame twice");
        }

        if (_open.Count + _skipped.Count >= limits.MaxFramesInFlight)
        {
            throw new LaneProtocolException($"it has {_open.Count} unfinished frames");
        }

        if (_assembling > 0 && _assembling + prefix.BodyBytes > limits.MaxBytesInFlight)
        {
            throw new LaneProtocolException($"its unfinished frames have {_assembling:N0} bytes; at most {limits.MaxBytesInFlight:N0} are taken");
        }

        _waiting = true;
        sink.AwaitRoom(prefix.BodyBytes + prefix.HeaderBytes);

        // In this order: who looks in between must not take the wait for silence.
        Heard();
        _waiting = false;
        var message = sink.Open(prefix.Id, Header(prefix.HeaderBytes), prefix.BodyBytes);
        if (message is null)
        {
            Skip(prefix, prefix.BodyBytes);
            return;
        }

        _open.Add(prefix.Id, message);
        _assembling += prefix.BodyBytes;
        Take(message, prefix);
    }

    private void More(PacketPrefix prefix)
    {
        if (prefix.HeaderBytes != 0 || prefix.ChunkBytes == 0)
        {
            throw new LaneProtocolException("it went on with a frame without going on");
        }

        if (_open.TryGetValue(prefix.Id, out var message))
        {
            Take(message, prefix);
        }
        else if (_skipped.Remove(prefix.Id, out var left))
        {
            Skip(prefix, left);
        }
        else
        {
            throw new LaneProtocolException("it went on with a frame that it had not begun");
        }
    }

    private void Take(IncomingMessage message, PacketPrefix prefix)
    {
        var body = message.Rows.Bytes;
        if (body.Count != prefix.BodyBytes || prefix.ChunkBytes > body.Count - message.Filled)
        {
            throw new LaneProtocolException("it sent more of a frame than it had announced");
        }

        Receive(body.Slice(message.Filled, prefix.ChunkBytes));
        message.Filled += prefix.ChunkBytes;
        if (message.Filled == body.Count)
        {
            _open.Remove(prefix.Id);
            _assembling -= body.Count;
            sink.Complete(message);
        }
    }

    /// <summary>Reads over a part of a body that nobody wants.</summary>
    private void Skip(PacketPrefix prefix, long left)
    {
        if (prefix.ChunkBytes > left)
        {
            throw new LaneProtocolException("it sent more of a frame than it had announced");
        }

        if (left > prefix.ChunkBytes)
        {
            _skipped.Add(prefix.Id, left - prefix.ChunkBytes);
        }

        for (var bytes = prefix.ChunkBytes; bytes > 0;)
        {
            if (_end == _start && !Ensure(1))
            {
                throw new LaneProtocolException("it ended in the middle of a packet");
            }

            var step = Math.Min(bytes, _end - _start);
            _start += step;
            bytes -= step;
        }
    }

    /// <summary>A header, valid until the next read; one longer than the scratch buffer is in an array of its own.</summary>
    private ReadOnlyMemory<byte> Header(int bytes)
    {
        if (bytes > MaxHeaderBytes)
        {
            throw new LaneProtocolException($"it sent a header of {bytes:N0} bytes; at most {MaxHeaderBytes:N0} are taken");
        }

        if (bytes > ScratchBytes)
        {
            var own = new byte[bytes];
            Receive(own);
            return own;
        }

        if (!Ensure(bytes))
        {
            throw new LaneProtocolException("it ended in the middle of a packet");
        }

        _start += bytes;
        return _scratch.AsMemory(_start - bytes, bytes);
    }

    /// <summary>Makes sure that so many bytes are in the scratch buffer; false when the peer closed between packets.</summary>
    private bool Ensure(int bytes)
    {
        if (_end - _start >= bytes)
        {
            return true;
        }

        _scratch.AsSpan(_start, _end - _start).CopyTo(_scratch);
        (_start, _end) = (0, _end - _start);
        while (_end < bytes)
        {
            var read = connection.Receive(_scratch.AsSpan(_end));
            if (read == 0)
            {
                return _end == 0 ? false : throw new LaneProtocolException("it ended in the middle of a packet");
            }

            Heard();
            _end += read;
        }

        return true;
    }

    /// <summary>Fills a target: first from the scratch buffer, then straight from the socket, with what is behind it going to the scratch.</summary>
    private void Receive(ArraySegment<byte> target)
    {
        var have = Math.Min(_end - _start, target.Count);
        _scratch.AsSpan(_start, have).CopyTo(target);
        _start += have;
        target = target[have..];
        while (target.Count > 0)
        {
            (_start, _end) = (0, 0);
            _scatter[0] = target;
            _scatter[1] = new ArraySegment<byte>(_scratch);
            var read = connection.Receive(_scatter);
            if (read == 0)
            {
                throw new LaneProtocolException("it ended in the middle of a packet");
            }

            Heard();
            _end = Math.Max(0, read - target.Count);
            target = target[Math.Min(read, target.Count)..];
        }
    }

    private void Heard() => Volatile.Write(ref _lastHeard, Environment.TickCount64);
}
