using ExpertCluster.Models.Decoding;

namespace ExpertCluster.Models;

/// <summary>What the dense part of a decoder computes, beyond the sizes in <see cref="ModelShape"/>.</summary>
public sealed record DecoderSpec
{
    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Width of a head's query and key.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Epsilon of the RMS norms.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>The rotary embedding; null for none.</summary>
    public required RopeSpec? Rope { get; init; }

    /// <summary>The bias of attention scores by distance; null for none. Grouped attention alone has it.</summary>
    public RelativeBiasSpec? RelativeBias { get; init; }

    /// <summary>How many positions a token sees, itself included; null for all.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Which layers the window applies to, one value per layer; null for all layers.</summary>
    public IReadOnlyList<bool>? WindowedLayers { get; init; }

    /// <summary>
    /// Width of the one vector per position that latent attention caches in place of keys and values (latent and rotary part
    /// together); null where keys and values are cached.
    /// </summary>
    public int? LatentWidth { get; init; }

    /// <summary>Factor of the attention scores; null for 1 ÷ √<see cref="HeadDim"/>.</summary>
    public double? AttentionScale { get; init; }

    /// <summary>Whether the head's weight is the embedding's.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Factor of the attention scores.</summary>
    internal double Scale => AttentionScale ?? 1 / Math.Sqrt(HeadDim);

    // One layer without a window keeps all positions for all layers.
    private int? RetainedWindow => WindowedLayers is null || WindowedLayers.All(windowed => windowed) ? SlidingWindow : null;

    /// <summary>What a sequence keeps.</summary>
    internal CacheSpec Cache(int layers) => LatentWidth is { } width
        ? new CacheSpec(layers, 1, 1, width, RetainedWindow)
        : new CacheSpec(layers, 2, KvHeads, HeadDim, RetainedWindow);

    /// <summary>The window of one layer.</summary>
    internal int? Window(int layer) => WindowedLayers is null || WindowedLayers[layer] ? SlidingWindow : null;
}
