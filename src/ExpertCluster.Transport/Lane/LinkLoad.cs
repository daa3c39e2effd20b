namespace ExpertCluster.Transport.Lane;

/// <summary>What a link holds: frames without an answer, and whatever waits for a peer that reads slowly, wanted or not.</summary>
internal sealed class LinkLoad(LaneGauge gauge)
{
    private int _frames;
    private long _bytes;

    public int Frames => Volatile.Read(ref _frames);

    public long Bytes => Volatile.Read(ref _bytes);

    public void Add(long bytes) => gauge.Note(Interlocked.Increment(ref _frames), Interlocked.Add(ref _bytes, bytes));

    public void Remove(long bytes)
    {
        Interlocked.Decrement(ref _frames);
        Interlocked.Add(ref _bytes, -bytes);
    }

    /// <summary>A frame has become an answer of another size.</summary>
    public void Resize(long before, long now) => gauge.Note(Frames, Interlocked.Add(ref _bytes, now - before));
}
