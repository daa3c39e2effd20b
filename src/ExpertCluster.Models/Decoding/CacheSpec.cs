using System.Numerics;

namespace ExpertCluster.Models.Decoding;

/// <summary>What a sequence keeps of the positions it has seen.</summary>
/// <param name="Layers">Layers with a cache.</param>
/// <param name="Parts">2 for keys and values, 1 for one latent vector.</param>
/// <param name="Heads">Key-value heads.</param>
/// <param name="Width">Width of a head.</param>
/// <param name="Window">Positions that have to be kept; null for all.</param>
internal sealed record CacheSpec(int Layers, int Parts, int Heads, int Width, int? Window)
{
    // A window keeps at most its own length, a step's rows, and room before the next move.
    private const int StepRows = 1024;

    /// <summary>Positions the smallest cache has room for.</summary>
    public const int FirstCapacity = 64;

    /// <summary>Bytes of that many positions.</summary>
    public long RowBytes => (long)Layers * Parts * Heads * Width * sizeof(float);

    /// <summary>The most bytes on the way to that many positions: caches grow by doubling.</summary>
    public long Bytes(int length)
    {
        long rows = Window is { } window ? Math.Min(length, 4L * (window + StepRows)) : length;
        return RowBytes * Math.Max(FirstCapacity, (long)BitOperations.RoundUpToPowerOf2((ulong)rows));
    }

    /// <summary>Bytes of what an encoder's tokens leave behind: keys and values of every decoder layer.</summary>
    public long SourceBytes(int tokens) => RowBytes * tokens;
}
