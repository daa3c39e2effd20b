namespace ExpertCluster.Transport.Lane;

/// <summary>
/// One connection of a link, whatever it runs over. One thread reads and blocks; one write at a time is under way, from any thread.
/// </summary>
internal abstract class LaneConnection
{
    /// <summary>Who is at the other end, for a log.</summary>
    public abstract string Peer { get; }

    /// <summary>How the bytes travel, for a log.</summary>
    public abstract string Kind { get; }

    /// <summary>Blocks until something is there; 0 when the other end has closed.</summary>
    public abstract int Receive(Span<byte> target);

    /// <summary>As <see cref="Receive(Span{byte})"/>, into several places as they fill; may leave all but the first alone.</summary>
    public abstract int Receive(List<ArraySegment<byte>> targets);

    /// <summary>Sends all of it and blocks meanwhile: for the greeting.</summary>
    public abstract void Send(ReadOnlySpan<byte> bytes);

    /// <summary>Bounds how long a read or write may block; null for as long as it takes.</summary>
    public abstract void SetPatience(TimeSpan? patience);

    /// <summary>Prepares for gathered writes.</summary>
    /// <param name="completed">Called when a write that did not end at once has ended, on a thread of the pool.</param>
    public abstract void PrepareWrites(Action completed);

    /// <summary>Begins a write of all entries; false when it has ended at once. <see cref="Outcome"/> tells how.</summary>
    /// <param name="entries">Left alone until the write has ended.</param>
    /// <param name="bytes">Their sum.</param>
    public abstract bool Write(List<ArraySegment<byte>> entries, int bytes);

    /// <summary>Why the last write failed; null when it went well.</summary>
    public abstract Exception? Outcome();

    /// <summary>No write is under way and none will follow.</summary>
    public abstract void EndWrites();

    /// <summary>Closes it under whoever uses it.</summary>
    public abstract void Close();
}
