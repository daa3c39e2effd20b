using ExpertCluster.Contracts;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// A connection that a rehearsal can cut: while it is, writes vanish and nothing is heard. One that lost bytes so ends when the cut does.
/// Begins after the greeting.
/// </summary>
internal sealed class BlockedConnection(LaneConnection inner, NodeId node, ILaneFaults faults) : LaneConnection
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    private volatile bool _closed;
    private volatile bool _lost;
    private bool _swallowed;

    public override string Peer => inner.Peer;

    public override string Kind => inner.Kind;

    /// <summary>The connection itself, or where there may be faults one that can be cut.</summary>
    public static LaneConnection Wrap(LaneConnection connection, NodeId node, ILaneFaults? faults) =>
        faults is null ? connection : new BlockedConnection(connection, node, faults);

    public override int Receive(Span<byte> target)
    {
        var read = inner.Receive(target);
        WaitWhileBlocked();
        return read;
    }

    public override int Receive(List<ArraySegment<byte>> targets)
    {
        var read = inner.Receive(targets);
        WaitWhileBlocked();
        return read;
    }

    public override void Send(ReadOnlySpan<byte> bytes) => inner.Send(bytes);

    public override void SetPatience(TimeSpan? patience) => inner.SetPatience(patience);

    public override void PrepareWrites(Action completed) => inner.PrepareWrites(completed);

    public override bool Write(List<ArraySegment<byte>> entries, int bytes)
    {
        _swallowed = faults.IsBlocked(node);
        _lost |= _swallowed;
        return !_swallowed && inner.Write(entries, bytes);
    }

    public override Exception? Outcome() =>
        _swallowed ? null : _lost ? new IOException("bytes were lost while a fault switch blocked it") : inner.Outcome();

    public override void EndWrites() => inner.EndWrites();

    public override void Close()
    {
        _closed = true;
        inner.Close();
    }

    private void WaitWhileBlocked()
    {
        while (!_closed && faults.IsBlocked(node))
        {
            Thread.Sleep(LookInterval);
        }
    }
}
