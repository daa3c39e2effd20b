namespace ExpertCluster.Models.Inspection;

/// <summary>What the experts of a model learned, as far as some texts show it.</summary>
public sealed record InspectionReport
{
    /// <summary>Tokens of all texts.</summary>
    public required int Tokens { get; init; }

    /// <summary>Tokens of each text.</summary>
    public required IReadOnlyList<int> FileTokens { get; init; }

    /// <summary>Windows of each text.</summary>
    public required IReadOnlyList<int> FileWindows { get; init; }

    /// <summary>Layers with experts, in order.</summary>
    public required IReadOnlyList<LayerReport> Layers { get; init; }

    /// <summary>What a token's first choice in the first layer tells about that in the last; null when there is one layer only.</summary>
    public required Information? FirstToLast { get; init; }

    /// <summary>Mean over the layers of what the token tells above chance, in bits.</summary>
    public double SyntaxBits => Layers.Average(layer => layer.Token.Excess);

    /// <summary>Mean over the layers of what the token's class alone tells above chance, in bits.</summary>
    public double SyntaxClassBits => Layers.Average(layer => layer.TokenClass.Excess);

    /// <summary>Mean over the layers of what the text tells above chance, in bits; null when there is one text only.</summary>
    public double? TopicBits => Layers.All(layer => layer.Topic is not null) ? Layers.Average(layer => layer.Topic!.File.Excess) : null;

    /// <summary>
    /// The larger of <see cref="SyntaxBits"/> and <see cref="TopicBits"/>; null when there is one text only. Whatever part of both is
    /// shared – texts differ in their tokens – cancels: by the chain rule I(token; expert) − I(text; expert) is also
    /// I(token; expert | text) − I(text; expert | token).
    /// </summary>
    public Leaning? Leaning => TopicBits is not { } topic ? null
        : topic <= 0 && SyntaxBits <= 0 ? Inspection.Leaning.Neither
        : SyntaxBits > topic ? Inspection.Leaning.Syntax
        : Inspection.Leaning.Topic;
}
