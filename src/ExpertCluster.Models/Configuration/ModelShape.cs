namespace ExpertCluster.Models;

/// <summary>The sizes of a model that the rest of the system plans with.</summary>
public sealed record ModelShape
{
    /// <summary>The <c>model_type</c> of its config.json.</summary>
    public required string Family { get; init; }

    /// <summary>Number of layers; those of an encoder come first and count on into the decoder's.</summary>
    public required int Layers { get; init; }

    /// <summary>How many of them are an encoder's; 0 for a decoder-only model.</summary>
    public int EncoderLayers { get; init; }

    /// <summary>Whether an encoder reads a source before the decoder writes.</summary>
    public bool IsEncoderDecoder => EncoderLayers > 0;

    /// <summary>Indexes of the layers that have experts, ascending.</summary>
    public required int[] MoeLayers { get; init; }

    /// <summary>Experts E of each such layer.</summary>
    public required int ExpertsPerLayer { get; init; }

    /// <summary>Experts k that take each token.</summary>
    public required int ExpertsPerToken { get; init; }

    /// <summary>Width H of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width F inside an expert.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of token ids V.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Most positions a sequence may have.</summary>
    public required int MaxContext { get; init; }

    /// <summary>Tokens that end a text; empty when the model names none.</summary>
    public required IReadOnlyList<int> EndTokens { get; init; }

    /// <summary>Token a text starts with, if the model names one.</summary>
    public int? BeginToken { get; init; }

    /// <summary>Token that a decoder behind an encoder starts with; null for a decoder-only model.</summary>
    public int? DecoderStartToken { get; init; }

    /// <summary>The token that must come first in what such a decoder writes, such as a target language; null for none.</summary>
    public int? ForcedFirstToken { get; init; }

    /// <summary>
    /// A hint for whoever places experts: those with the same index in all layers share a node where its limits permit, as GLaM has it
    /// (Du et al. 2021, arXiv:2112.06905, section 4).
    /// </summary>
    public bool SameIndexTogether { get; init; }
}
