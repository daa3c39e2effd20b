namespace ExpertCluster.Transport.Lane;

/// <summary>The most that any link of a lane has held at once.</summary>
internal sealed class LaneGauge
{
    private int _frames;
    private long _bytes;

    public (int Frames, long Bytes) Longest => (Volatile.Read(ref _frames), Volatile.Read(ref _bytes));

    public void Note(int frames, long bytes)
    {
        for (int seen; (seen = Volatile.Read(ref _frames)) < frames;)
        {
            Interlocked.CompareExchange(ref _frames, frames, seen);
        }

        for (long seen; (seen = Volatile.Read(ref _bytes)) < bytes;)
        {
            Interlocked.CompareExchange(ref _bytes, bytes, seen);
        }
    }
}
