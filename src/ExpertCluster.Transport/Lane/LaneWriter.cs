using System.Net.Sockets;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// Sends messages over one connection from whichever thread has some. Small ones are gathered and overtake bodies, which go out in chunks, in
/// turns: one write carries prefix, header and rows from where they lie. Nothing waits for a thread unless the connection is full.
/// </summary>
internal sealed class LaneWriter : IDisposable
{
    // A message up to this size is copied to the staging buffer: cheaper than an entry of its own in the write.
    private const int SmallBytes = 8 * 1024;
    private const int StagingBytes = 64 * 1024;

    // The rest is for what goes before bodies: a stream of small messages must not keep those waiting.
    private const int SmallShare = StagingBytes / 2;

    // Up to four bodies a write, prefixes between: eight entries are what the socket layer keeps on the stack.
    private const int MaxBodies = 4;

    // A caller's thread writes this much at most before it hands the rest to the pool.
    private const int InlineBytes = 512 * 1024;

    private readonly LaneConnection _connection;
    private readonly int _chunk;
    private readonly byte _version;
    private readonly Action<Exception> _failed;
    private readonly Lock _gate = new();
    private readonly LaneQueue _small = new();
    private readonly LaneQueue _large = new();
    private readonly List<LaneMessage> _finished = [];
    private readonly List<ArraySegment<byte>> _entries = new(2 * MaxBodies);
    private readonly byte[] _staging = GC.AllocateUninitializedArray<byte>(StagingBytes, pinned: true);
    private bool _writing;
    private bool _closed;
    private int _expected;
    private long _sendingSince;

    public LaneWriter(LaneConnection connection, int chunk, byte version, Action<Exception> failed)
    {
        _connection = connection;
        _chunk = chunk;
        _version = version;
        _failed = failed;
        _connection.PrepareWrites(() =>
        {
            if (Completed())
            {
                Pump();
            }
        });
    }

    /// <summary>How long the peer has not taken the write that is under way, in milliseconds; 0 when there is none.</summary>
    public long Stalled => Volatile.Read(ref _sendingSince) is > 0 and var since ? Environment.TickCount64 - since : 0;

    /// <summary>Takes a message over; false, and the message disposed of, when the writer is closed or nobody wants it any more.</summary>
    public bool Enqueue(LaneMessage message)
    {
        lock (_gate)
        {
            if (_closed || message.Withdrawn)
            {
                message.Dispose();
                return false;
            }

            (message.WireBytes <= SmallBytes ? _small : _large).Enqueue(message);
            if (_writing)
            {
                return true;
            }

            _writing = true;
        }

        Pump();
        return true;
    }

    /// <summary>
    /// Nobody wants a message any more. It is disposed of unless some of it is out: the other end waits for the rest of that.
    /// </summary>
    public void Withdraw(LaneMessage message)
    {
        lock (_gate)
        {
            message.Withdrawn = true;
            if (!message.Opened && message.Queue is { } queue)
            {
                queue.Remove(message);
                message.Dispose();
            }
        }
    }

    /// <summary>Sends a sign of life unless something is on its way anyway.</summary>
    public void Beat()
    {
        lock (_gate)
        {
            if (_writing || _closed)
            {
                return;
            }
        }

        Enqueue(new LaneMessage(PacketKind.Heartbeat, 0, null, null));
    }

    public void Dispose()
    {
        lock (_gate)
        {
            Close();
            if (!_writing)
            {
                Release();
            }
        }
    }

    private void Pump()
    {
        var written = 0;
        while (Fill())
        {
            if (written >= InlineBytes)
            {
                // What was filled goes out there.
                ThreadPool.UnsafeQueueUserWorkItem(new Resume(this), preferLocal: false);
                return;
            }

            written += _expected;
            if (!Send())
            {
                return;
            }
        }
    }

    /// <summary>Writes what is filled; true when that is done already and went well.</summary>
    private bool Send()
    {
        try
        {
            Volatile.Write(ref _sendingSince, Environment.TickCount64);
            return !_connection.Write(_entries, _expected) && Completed();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            Fail(e);
            return false;
        }
    }

    /// <summary>Chooses what goes into the next write; false, and no longer writing, when nothing is left.</summary>
    private bool Fill()
    {
        lock (_gate)
        {
            if (_closed)
            {
                _writing = false;
                Release();
                return false;
            }

            _entries.Clear();
            var staged = Stage(0);
            var from = 0;
            var bodies = 0;
            var total = staged;
            while (bodies < MaxBodies && total < _chunk && _large.TryPeek(out var message))
            {
                var head = PacketPrefix.Size + (message.Opened ? 0 : message.HeaderBytes);
                if (staged + head > StagingBytes && staged > 0)
                {
                    break;
                }

                _large.Remove(message);
                var chunk = Math.Min(_chunk, message.Body.Count - message.Sent);
                staged = Head(message, chunk, staged, ref from);
                if (chunk > 0)
                {
                    Flush(ref from, staged);
                    _entries.Add(message.Body.Slice(message.Sent, chunk));
                }

                message.Opened = true;
                message.Sent += chunk;
                total += head + chunk;
                bodies++;
                if (message.Sent < message.Body.Count)
                {
                    // Behind the others: bodies take turns.
                    _large.Enqueue(message);
                }
                else
                {
                    _finished.Add(message);
                }
            }

            Flush(ref from, staged);
            _expected = total;
            if (_entries.Count > 0)
            {
                return true;
            }

            _writing = false;
            return false;
        }
    }

    /// <summary>Copies small messages to the staging buffer as far as they fit.</summary>
    private int Stage(int staged)
    {
        while (_small.TryPeek(out var message) && staged + message.WireBytes <= SmallShare)
        {
            _small.Remove(message);
            Prefix(message, message.Body.Count).Write(_staging.AsSpan(staged), _version);
            staged += PacketPrefix.Size;
            message.Header.CopyTo(_staging.AsSpan(staged));
            staged += message.HeaderBytes;
            message.Body.AsSpan().CopyTo(_staging.AsSpan(staged));
            staged += message.Body.Count;
            message.Dispose();
        }

        return staged;
    }

    /// <summary>Puts a large message's prefix and, at first, its header before its chunk; a header too long to stage goes from where it lies.</summary>
    private int Head(LaneMessage message, int chunk, int staged, ref int from)
    {
        Prefix(message, chunk).Write(_staging.AsSpan(staged), _version);
        staged += PacketPrefix.Size;
        if (message.Opened)
        {
            return staged;
        }

        if (staged + message.HeaderBytes <= StagingBytes)
        {
            message.Header.CopyTo(_staging.AsSpan(staged));
            return staged + message.HeaderBytes;
        }

        Flush(ref from, staged);
        _entries.Add(message.HeaderSegment);
        return staged;
    }

    private void Flush(ref int from, int staged)
    {
        if (staged > from)
        {
            _entries.Add(new ArraySegment<byte>(_staging, from, staged - from));
            from = staged;
        }
    }

    private static PacketPrefix Prefix(LaneMessage message, int chunk) => new(
        message.Opened ? PacketKind.More : message.Kind, message.Opened ? 0 : message.HeaderBytes, message.Id, message.Body.Count, chunk);

    private bool Completed()
    {
        Volatile.Write(ref _sendingSince, 0);
        if (_connection.Outcome() is { } error)
        {
            Fail(error);
            return false;
        }

        foreach (var message in _finished)
        {
            message.Dispose();
        }

        _finished.Clear();
        return true;
    }

    private void Fail(Exception error)
    {
        lock (_gate)
        {
            // In one step: whoever enqueued in between would begin a write of its own.
            Close();
            _writing = false;
            Release();
        }

        _failed(error);
    }

    /// <summary>Takes nothing more and forgets what waits. Inside the gate.</summary>
    private void Close()
    {
        _closed = true;
        _small.Clear();
        _large.Clear();
    }

    /// <summary>Gives back what a write that is over or will never be still holds. Inside the gate.</summary>
    private void Release()
    {
        foreach (var message in _finished)
        {
            message.Dispose();
        }

        _finished.Clear();
        _connection.EndWrites();
    }

    private sealed class Resume(LaneWriter writer) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            if (writer.Send())
            {
                writer.Pump();
            }
        }
    }
}
