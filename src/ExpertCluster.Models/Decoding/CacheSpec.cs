namespace ExpertCluster.Models.Decoding;

/// <summary>What a sequence keeps of the positions it has seen.</summary>
/// <param name="Layers">Layers with a cache.</param>
/// <param name="Parts">2 for keys and values, 1 for one latent vector.</param>
/// <param name="Heads">Key-value heads.</param>
/// <param name="Width">Width of a head.</param>
/// <param name="Window">Positions that have to be kept; null for all.</param>
internal sealed record CacheSpec(int Layers, int Parts, int Heads, int Width, int? Window)
{
    /// <summary>
    /// Positions of a page, by which caches grow. Growing copies the cache once in so many tokens, and attention reads all of it for each
    /// of them: 64 makes copies a thirtieth of what attention does anyway, and leaves half a page of a sequence unused on average.
    /// </summary>
    public const int PagePositions = 64;

    /// <summary>Bytes of one position.</summary>
    public long RowBytes => (long)Layers * Parts * Heads * Width * sizeof(float);

    /// <summary>Positions that as many whole pages have as hold some rows.</summary>
    /// <param name="rows">Rows to be held.</param>
    /// <param name="slides">Whether rows leave a window, which moves the others: that pays with room for half a page at least.</param>
    public static int Capacity(long rows, bool slides) =>
        (int)Math.Min((rows + (slides ? PagePositions / 2 : 0) + PagePositions - 1) / PagePositions * PagePositions, int.MaxValue);

    /// <summary>The most bytes on the way to <paramref name="length"/> positions.</summary>
    /// <param name="length">Positions.</param>
    /// <param name="step">The most positions added at once.</param>
    public long Bytes(int length, int step) => RowBytes * (Window is { } window && length > window
        ? Capacity(Math.Min(length, (long)window - 1 + step), slides: true)
        : Capacity(length, slides: false));

    /// <summary>Bytes of what an encoder's tokens leave behind: keys and values of every decoder layer.</summary>
    public long SourceBytes(int tokens) => RowBytes * tokens;
}
