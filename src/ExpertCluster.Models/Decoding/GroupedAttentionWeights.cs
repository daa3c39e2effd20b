using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Weights of attention whose query heads share key-value heads in groups (Ainslie et al. 2023, arXiv:2305.13245), with the additions
/// that families make.
/// </summary>
public sealed class GroupedAttentionWeights : AttentionWeights
{
    /// <summary>Query, key and value projections one above the other, [(heads + 2·kvHeads)·headDim, H].</summary>
    public required Tensor QueryKeyValue { get; init; }

    /// <summary>Bias of the projections, [(heads + 2·kvHeads)·headDim].</summary>
    public Tensor? Bias { get; init; }

    /// <summary>RMS norm of queries before rotation: [headDim] for each head (Qwen3), or [heads·headDim] over all (OLMoE).</summary>
    public Tensor? QueryNorm { get; init; }

    /// <summary>RMS norm of keys before rotation: [headDim], or [kvHeads·headDim].</summary>
    public Tensor? KeyNorm { get; init; }

    /// <summary>Whether the norms go over whole projections instead of heads.</summary>
    public bool NormsWhole { get; init; }

    /// <summary>Bound of all queries, keys and values, after their norm and before rotation (OLMoE's clip_qkv).</summary>
    public double? Clip { get; init; }

    /// <summary>A score per head that takes weight and gives nothing, [heads] (GPT-OSS, arXiv:2508.10925).</summary>
    public Tensor? Sinks { get; init; }

    /// <summary>Added to scores by head and bucket of distance, [heads,buckets] (<see cref="RelativeBiasSpec"/>).</summary>
    public Tensor? RelativeBias { get; init; }

    /// <summary>Output projection, [H, heads·headDim].</summary>
    public required Tensor Output { get; init; }

    /// <summary>Bias of the output projection, [H].</summary>
    public Tensor? OutputBias { get; init; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (Tensor? weight in (Tensor?[])[QueryKeyValue, Bias, QueryNorm, KeyNorm, Sinks, RelativeBias, Output, OutputBias])
        {
            weight?.Dispose();
        }
    }

    internal override Attention Prepare(int layer, DecoderSpec spec, torch.Device device) => new GroupedAttention(layer, spec, this, device);
}
