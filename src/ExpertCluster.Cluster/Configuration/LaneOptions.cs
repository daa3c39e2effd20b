namespace ExpertCluster.Cluster.Configuration;

/// <summary>How tensors travel between nodes.</summary>
public sealed class LaneOptions
{
    /// <summary>Bytes of a frame in one control message, 1 KiB to 120,000. Default 64 KiB: with its envelope it stays well inside the
    /// default frame size of 128,000 bytes.</summary>
    public int ChunkBytes { get; set; } = 64 * 1024;

    /// <summary>The largest frame, 64 KiB to 2,000,000,000 bytes. Default 256 MiB.</summary>
    public int MaxFrameBytes { get; set; } = 256 << 20;

    /// <summary>Bytes of half-received frames a node keeps, 64 KiB and up. Default 1 GiB; a frame beyond it is dropped and sent
    /// again, but a single frame always passes.</summary>
    public long MaxAssemblyBytes { get; set; } = 1L << 30;

    internal void Validate(OptionsErrors errors)
    {
        errors.Range("Lane:ChunkBytes", ChunkBytes, 1024, 120_000);
        errors.Range("Lane:MaxFrameBytes", MaxFrameBytes, 64 * 1024, 2_000_000_000);
        errors.Range("Lane:MaxAssemblyBytes", MaxAssemblyBytes, 64 * 1024, long.MaxValue);
    }
}
