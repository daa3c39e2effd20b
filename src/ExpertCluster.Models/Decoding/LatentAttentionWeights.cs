using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Weights of multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1). The rows that make rotary parts are in
/// rotate-half order. Letters: c latent, r rotary, n rest of a query or key, v value, all per head.
/// </summary>
public sealed class LatentAttentionWeights : AttentionWeights
{
    /// <summary>Query projection, [heads·(n+r), q], where q is the query latent, or H without one.</summary>
    public required Tensor Query { get; init; }

    /// <summary>Projection to the query latent, [q,H].</summary>
    public Tensor? QueryLatent { get; init; }

    /// <summary>Its bias, [q].</summary>
    public Tensor? QueryLatentBias { get; init; }

    /// <summary>RMS norm of the query latent, [q].</summary>
    public Tensor? QueryLatentNorm { get; init; }

    /// <summary>Projection to the latent and the shared rotary key, [c+r,H].</summary>
    public required Tensor Latent { get; init; }

    /// <summary>Its bias, [c+r].</summary>
    public Tensor? LatentBias { get; init; }

    /// <summary>RMS norm of the latent, [c].</summary>
    public required Tensor LatentNorm { get; init; }

    /// <summary>From latent to keys, [heads,n,c].</summary>
    public required Tensor KeyUp { get; init; }

    /// <summary>From latent to values, transposed: [heads,c,v].</summary>
    public required Tensor ValueUp { get; init; }

    /// <summary>Output projection, [H, heads·v].</summary>
    public required Tensor Output { get; init; }

    /// <summary>Its bias, [H].</summary>
    public Tensor? OutputBias { get; init; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (Tensor? weight in (Tensor?[])[
            Query, QueryLatent, QueryLatentBias, QueryLatentNorm, Latent, LatentBias, LatentNorm, KeyUp, ValueUp, Output, OutputBias])
        {
            weight?.Dispose();
        }
    }

    internal override Attention Prepare(int layer, DecoderSpec spec, torch.Device device) => new LatentAttention(layer, spec, this, device);
}
