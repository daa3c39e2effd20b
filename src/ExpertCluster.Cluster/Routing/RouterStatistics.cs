namespace ExpertCluster.Cluster.Routing;

/// <summary>Counters of one layer's router; read from anywhere.</summary>
public sealed class RouterStatistics
{
    // Per expert: rows of prompts, then rows of generated tokens.
    private readonly long[] _rows;
    private long _retries;
    private long _frames;
    private long _computeMicroseconds;
    private long _degraded;

    /// <summary>Counters for that many experts.</summary>
    public RouterStatistics(int experts)
    {
        Experts = experts;
        _rows = new long[2 * experts];
    }

    /// <summary>Experts of the layer.</summary>
    public int Experts { get; }

    /// <summary>Segments sent again because a replica was gone, busy or late.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Frames sent.</summary>
    public long Frames => Volatile.Read(ref _frames);

    /// <summary>Device time of all answers, in microseconds.</summary>
    public long ComputeMicroseconds => Volatile.Read(ref _computeMicroseconds);

    /// <summary>Rows answered without some of their experts, since these had no ready replica.</summary>
    public long Degraded => Volatile.Read(ref _degraded);

    /// <summary>Rows answered by each expert so far; each once, however often it was sent.</summary>
    public long[] Rows()
    {
        var copy = new long[Experts];
        for (var i = 0; i < copy.Length; i++)
        {
            copy[i] = PrefillRows(i) + DecodeRows(i);
        }

        return copy;
    }

    /// <summary>Rows of prompts, sources and forward passes that an expert has answered so far.</summary>
    public long PrefillRows(int expert) => Volatile.Read(ref _rows[2 * expert]);

    /// <summary>Rows of generated tokens that an expert has answered so far.</summary>
    public long DecodeRows(int expert) => Volatile.Read(ref _rows[(2 * expert) + 1]);

    internal void Answered(Segment segment)
    {
        var generated = segment.Work.Rows.Generated.Span;
        var (topK, decode) = (segment.Work.Rows.Routing.TopK, 0);
        if (!generated.IsEmpty)
        {
            foreach (var slot in segment.Slots.Span)
            {
                decode += generated[slot / topK] ? 1 : 0;
            }
        }

        Interlocked.Add(ref _rows[2 * segment.Expert], segment.Slots.Length - decode);
        Interlocked.Add(ref _rows[(2 * segment.Expert) + 1], decode);
    }

    internal void Degrade(int rows) => Interlocked.Add(ref _degraded, rows);

    internal void Retried() => Interlocked.Increment(ref _retries);

    internal void Sent() => Interlocked.Increment(ref _frames);

    internal void Computed(long microseconds) => Interlocked.Add(ref _computeMicroseconds, microseconds);
}
