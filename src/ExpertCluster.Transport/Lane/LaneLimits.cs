namespace ExpertCluster.Transport;

/// <summary>Bounds of a lane. Every one has a default that fits a node with some gigabytes to spare.</summary>
public sealed record LaneLimits
{
    /// <summary>The largest frame or answer, rows and header together. 256 MiB: 16,384 rows of 4,096 values.</summary>
    public long MaxFrameBytes { get; init; } = 256L << 20;

    /// <summary>Frames without an answer, or not sent, on one link. 1024: a gateway has a few for each layer and request.</summary>
    public int MaxFramesInFlight { get; init; } = 1024;

    /// <summary>Bytes of frames without an answer, or not sent, on one link; a single frame always passes. 1 GiB.</summary>
    public long MaxBytesInFlight { get; init; } = 1L << 30;

    /// <summary>Links that peers may have open to this node. 512: some hundred nodes, each with a link to spare while it reconnects.</summary>
    public int MaxLinks { get; init; } = 512;

    /// <summary>How long connecting and the handshake may take. 5 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often an idle link says that it lives. 2 s.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A link that heard nothing for so long is closed: the other end is gone without a word. So is one whose peer takes no answers for so long.
    /// 10 s, five heartbeats.
    /// </summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The first pause before another attempt to connect; it doubles up to <see cref="ReconnectMax"/>. 100 ms.</summary>
    public TimeSpan ReconnectMin { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause. 5 s: a node that comes back is found soon enough.</summary>
    public TimeSpan ReconnectMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The most bytes of one body sent before another frame gets its turn. 256 KiB: some 0.1 ms on loopback.</summary>
    public int ChunkBytes { get; init; } = 256 * 1024;

    /// <summary>Whether frames between lanes of one process are handed over without a socket.</summary>
    public bool HandOverInProcess { get; init; } = true;

    /// <summary>Whether processes of one host use Unix sockets in place of TCP.</summary>
    public bool UnixSockets { get; init; } = true;
}
