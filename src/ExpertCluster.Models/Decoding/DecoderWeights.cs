using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>All weights of a decoder but its experts; float32 on one device, owned by this object.</summary>
/// <param name="embedding">[V,H].</param>
/// <param name="layers">One per layer.</param>
/// <param name="finalNorm">RMS norm after the last layer, [H].</param>
/// <param name="head">[V,H]; an alias of the embedding when tied.</param>
public sealed class DecoderWeights(Tensor embedding, DecoderLayerWeights[] layers, Tensor finalNorm, Tensor head) : IDisposable
{
    /// <summary>Token embedding, [V,H].</summary>
    public Tensor Embedding { get; } = embedding;

    /// <summary>The layers.</summary>
    public IReadOnlyList<DecoderLayerWeights> Layers { get; } = layers;

    /// <summary>RMS norm after the last layer, [H].</summary>
    public Tensor FinalNorm { get; } = finalNorm;

    /// <summary>Output head, [V,H].</summary>
    public Tensor Head { get; } = head;

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        Embedding.Dispose();
        FinalNorm.Dispose();
        Head.Dispose();
        foreach (DecoderLayerWeights layer in Layers)
        {
            layer.Dispose();
        }
    }
}
