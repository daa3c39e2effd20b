namespace ExpertCluster.Transport.Lane;

/// <summary>
/// A frame, an answer or a sign of life on its way out. Owns header and body until they are sent; a second <see cref="Dispose"/> does
/// nothing.
/// </summary>
internal sealed class LaneMessage(PacketKind kind, ulong id, HeaderBuffer? header, RowBuffer? body, IMessageOwner? owner = null) : IDisposable
{
    private HeaderBuffer? _header = header;
    private IMessageOwner? _owner = owner;

    public ulong Id => id;

    public PacketKind Kind => kind;

    public ReadOnlySpan<byte> Header => _header is null ? default : _header.Span;

    public ArraySegment<byte> HeaderSegment => _header?.Segment ?? default;

    public int HeaderBytes => _header?.Length ?? 0;

    public ArraySegment<byte> Body { get; } = body?.Bytes ?? ArraySegment<byte>.Empty;

    /// <summary>Bytes on the wire when it goes in one packet.</summary>
    public int WireBytes => PacketPrefix.Size + HeaderBytes + Body.Count;

    /// <summary>What it counts for its owner, header and body.</summary>
    public long Held { get; } = (header?.Length ?? 0) + (body?.Bytes.Count ?? 0);

    /// <summary>Bytes of the body sent so far.</summary>
    public int Sent { get; set; }

    /// <summary>Whether its first packet is out.</summary>
    public bool Opened { get; set; }

    /// <summary>Whether nobody wants it any more.</summary>
    public bool Withdrawn { get; set; }

    /// <summary>The queue it stands in; null for none.</summary>
    public LaneQueue? Queue { get; set; }

    /// <summary>The one behind it there.</summary>
    public LaneMessage? Next { get; set; }

    /// <summary>The one before it there.</summary>
    public LaneMessage? Previous { get; set; }

    public void Dispose()
    {
        Interlocked.Exchange(ref _header, null)?.Dispose();
        body?.Dispose();
        Interlocked.Exchange(ref _owner, null)?.Left(this);
    }
}
