namespace ExpertCluster.Cluster.Configuration;

/// <summary>How a gateway serves clients.</summary>
public sealed class GatewayOptions
{
    /// <summary>Address its client endpoint listens on. Default 127.0.0.1.</summary>
    public string BindHost { get; set; } = "127.0.0.1";

    /// <summary>Port of the client endpoint (gRPC over HTTP/2). 0 (default) takes a free one.</summary>
    public int Port { get; set; }

    /// <summary>Host that clients are told to connect to; the node's host by default.</summary>
    public string? AdvertisedHost { get; set; }

    /// <summary>Sequences that compute together, 1 to 4096. Default 32.</summary>
    public int MaxActive { get; set; } = 32;

    /// <summary>Requests that may wait for their turn, 0 to 1,000,000. Default 256. One more is told when to come again.</summary>
    public int MaxQueued { get; set; } = 256;

    /// <summary>The share of <see cref="MaxQueued"/> that one client may fill, 0.01 to 1. Default 0.5: however many requests one client sends,
    /// another finds room to wait.</summary>
    public double ClientQueueShare { get; set; } = 0.5;

    /// <summary>The most prompt tokens one step feeds, over all sequences, 1 to 65,536. Default 512: it bounds the memory of attention and
    /// how long others wait for a long prompt.</summary>
    public int PrefillTokens { get; set; } = 512;

    /// <summary>The most tokens of one prompt in one turn, 1 to 65,536. Prompts take turns, by client, until a step's
    /// <see cref="PrefillTokens"/> are shared out; one alone gets all turns. Default 64: eight prompts go on in each step of the default budget,
    /// in pieces still large enough for products of matrices.</summary>
    public int PrefillChunk { get; set; } = 64;

    /// <summary>Active sequences from which on two steps compute at once, each with half of them, so that one uses the gateway's device while the
    /// other waits for its experts, 0 to 4096; 0 never. Default 0: on processors that share their cores with experts it was slower, as two
    /// halves are twice as many operations (docs/adr/0009).</summary>
    public int OverlapSequences { get; set; }

    /// <summary>Bytes that KV caches of active sequences may take together, at least 64 KiB. Default 2 GiB. Caches grow by pages of 64 positions. A
    /// sequence starts when its prompt fits and all can still end; when room runs short the younger ones pause (docs/adr/0010).</summary>
    public long KvCacheBytes { get; set; } = 2L << 30;

    /// <summary>Deadline of a request that names none, 1 s to 1 day. Default 120 s.</summary>
    public TimeSpan DefaultDeadline { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>The most rows of one layer call, 1 to 1,048,576. Default 65,536.</summary>
    public int MaxLayerRows { get; set; } = 65536;

    /// <summary>Layer calls under way at once, 1 to 4096. Default 64.</summary>
    public int MaxLayerCalls { get; set; } = 64;

    internal void Validate(OptionsErrors errors)
    {
        errors.NotEmpty("Gateway:BindHost", BindHost);
        errors.Range("Gateway:Port", Port, 0, 65535);
        errors.Range("Gateway:MaxActive", MaxActive, 1, 4096);
        errors.Range("Gateway:MaxQueued", MaxQueued, 0, 1_000_000);
        errors.Range("Gateway:ClientQueueShare", ClientQueueShare, 0.01, 1);
        errors.Range("Gateway:PrefillTokens", PrefillTokens, 1, 65536);
        errors.Range("Gateway:PrefillChunk", PrefillChunk, 1, 65536);
        errors.Range("Gateway:OverlapSequences", OverlapSequences, 0, 4096);
        errors.Range("Gateway:KvCacheBytes", KvCacheBytes, 64 * 1024, long.MaxValue);
        errors.Range("Gateway:DefaultDeadline", DefaultDeadline, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        errors.Range("Gateway:MaxLayerRows", MaxLayerRows, 1, 1 << 20);
        errors.Range("Gateway:MaxLayerCalls", MaxLayerCalls, 1, 4096);
    }
}
