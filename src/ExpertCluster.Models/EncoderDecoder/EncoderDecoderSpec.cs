namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>What the dense part of an encoder–decoder computes beyond its stacks.</summary>
/// <param name="Heads">Heads of the decoder's attention.</param>
/// <param name="HeadDim">Width of a head.</param>
/// <param name="EncoderHeads">Heads of the encoder's attention.</param>
/// <param name="EmbeddingScale">Factor of the embedding.</param>
/// <param name="HeadScale">Factor of the decoder's output before the head.</param>
/// <param name="PaddingToken">
/// The token that takes no position where positions are added to the embedding (M2M-100's sinusoids, which start behind it); null where
/// positions are relative.
/// </param>
internal sealed record EncoderDecoderSpec(
    int Heads, int HeadDim, int EncoderHeads, double EmbeddingScale, double HeadScale, int? PaddingToken);
