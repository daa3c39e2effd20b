using System.Net;
using System.Text;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Configuration;

/// <summary>How tensors travel between nodes: on connections of their own, beside the control connection.</summary>
public sealed class LaneOptions
{
    // Shorter ones can be tried out.
    private const int ShortestSecret = 16;

    /// <summary>Port the lane listens on; 0 (default) takes a free one, which nodes learn from each other.</summary>
    public int Port { get; set; }

    /// <summary>Address it listens on. By default that of <c>Node:Host</c>, or all where that is a name.</summary>
    public string? BindHost { get; set; }

    /// <summary>What all nodes of the cluster know and no stranger does, at least 16 characters; every link proves it and never sends it.
    /// None by default: the network is trusted then.</summary>
    public string? Secret { get; set; }

    /// <summary>The most bytes of one body sent before another frame gets its turn, 4 KiB to 16 MiB. Default 256 KiB: some 0.1 ms on
    /// loopback.</summary>
    public int ChunkBytes { get; set; } = 256 * 1024;

    /// <summary>The largest frame, 64 KiB to 2,000,000,000 bytes. Default 256 MiB: 16,384 rows of 4,096 values.</summary>
    public int MaxFrameBytes { get; set; } = 256 << 20;

    /// <summary>Frames without an answer, or not sent, on the link to one node, 1 to 65,536. Default 1024: a gateway has a few for each layer and
    /// request.</summary>
    public int MaxFramesInFlight { get; set; } = 1024;

    /// <summary>Bytes of frames without an answer, or not sent, on one link, 64 KiB and up; a single frame always passes. Default 1 GiB.</summary>
    public long MaxBytesInFlight { get; set; } = 1L << 30;

    /// <summary>Links that other nodes may have open to this one, 1 to 16,384. Default 512.</summary>
    public int MaxLinks { get; set; } = 512;

    /// <summary>How long connecting and greeting may take, 100 ms to 1 min. Default 5 s.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often an idle link says that it lives, 100 ms to 1 min. Default 2 s.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>A link that heard nothing for so long is closed, and so is one whose peer takes no answers for so long; 1 s to 10 min and at
    /// least twice the heartbeat. Default 10 s.</summary>
    public TimeSpan SilenceTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether nodes of one process hand frames over without a socket. Default true.</summary>
    public bool HandOverInProcess { get; set; } = true;

    /// <summary>Whether processes of one host use Unix sockets in place of TCP; nobody but their user can reach them. Default true: it is as fast
    /// or faster.</summary>
    public bool UnixSockets { get; set; } = true;

    /// <summary>The newest version of the lane's protocol this node speaks, 1 to 2, default 2: a lower one makes it an older node to the others,
    /// as to try an upgrade.</summary>
    public int MaxProtocolVersion { get; set; } = LaneIdentity.NewestVersion;

    /// <summary>TLS on TCP connections. Off by default.</summary>
    public LaneTlsOptions Tls { get; set; } = new();

    /// <summary>The limits in force.</summary>
    public LaneLimits Limits => new()
    {
        ChunkBytes = ChunkBytes,
        MaxFrameBytes = MaxFrameBytes,
        MaxFramesInFlight = MaxFramesInFlight,
        MaxBytesInFlight = MaxBytesInFlight,
        MaxLinks = MaxLinks,
        HandshakeTimeout = HandshakeTimeout,
        HeartbeatInterval = HeartbeatInterval,
        SilenceTimeout = SilenceTimeout,
        HandOverInProcess = HandOverInProcess,
        UnixSockets = UnixSockets,
    };

    /// <summary>The secret's bytes; none where there is no secret.</summary>
    public ReadOnlyMemory<byte> SecretBytes => Encoding.UTF8.GetBytes(Secret ?? "");

    /// <summary>Where it listens.</summary>
    /// <param name="host">The node's own host.</param>
    public IPEndPoint Listen(string host) => new(Address(BindHost ?? host), Port);

    internal void Validate(OptionsErrors errors)
    {
        errors.Range("Lane:Port", Port, 0, 65535);
        errors.Range("Lane:MaxProtocolVersion", MaxProtocolVersion, LaneIdentity.OldestVersion, LaneIdentity.NewestVersion);
        errors.Range("Lane:ChunkBytes", ChunkBytes, 4096, 16 << 20);
        errors.Range("Lane:MaxFrameBytes", MaxFrameBytes, 64 * 1024, 2_000_000_000);
        errors.Range("Lane:MaxFramesInFlight", MaxFramesInFlight, 1, 65536);
        errors.Range("Lane:MaxBytesInFlight", MaxBytesInFlight, 64 * 1024, long.MaxValue / 4);
        errors.Range("Lane:MaxLinks", MaxLinks, 1, 16384);
        errors.Range("Lane:HandshakeTimeout", HandshakeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        errors.Range("Lane:HeartbeatInterval", HeartbeatInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        errors.Range("Lane:SilenceTimeout", SilenceTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        if (SilenceTimeout < 2 * HeartbeatInterval)
        {
            errors.Add("Lane:SilenceTimeout", SilenceTimeout, $"must be at least twice Lane:HeartbeatInterval, {HeartbeatInterval}");
        }

        Tls.Validate(errors);
        if (Secret is { Length: > 0 and < ShortestSecret })
        {
            // Its value is nobody's business.
            errors.Add("Lane:Secret", "(hidden)", $"has {Secret.Length} characters; it must have at least {ShortestSecret}");
        }
    }

    private static IPAddress Address(string host) => IPAddress.TryParse(host.Trim('[', ']'), out var address) ? address
        : host == "localhost" ? IPAddress.Loopback : IPAddress.Any;
}
