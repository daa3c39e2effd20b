namespace ExpertCluster.Models.Inspection;

/// <summary>What the experts of one layer learned.</summary>
public sealed record LayerReport
{
    /// <summary>Model layer index.</summary>
    public required int Layer { get; init; }

    /// <summary>Its experts, in order.</summary>
    public required IReadOnlyList<ExpertReport> Experts { get; init; }

    /// <summary>Entropy of the shares, in bits; log₂ E when even.</summary>
    public required double LoadBits { get; init; }

    /// <summary><see cref="LoadBits"/> ÷ log₂ E: 1 when even, 0 when one expert takes all.</summary>
    public required double LoadEvenness { get; init; }

    /// <summary>Neighbouring tokens.</summary>
    public required NeighbourAgreement Neighbours { get; init; }

    /// <summary>What a token's id tells about its experts; exact mean over shuffles of tokens as chance.</summary>
    public required Information Token { get; init; }

    /// <summary>What a token's class tells about its experts; likewise.</summary>
    public required Information TokenClass { get; init; }

    /// <summary>What its text tells; null when there is one text only.</summary>
    public required TopicReport? Topic { get; init; }

    /// <summary>What a token's first choice in the layer with experts before tells about its first choice here; null in the first.</summary>
    public required Information? LayerBefore { get; init; }
}
