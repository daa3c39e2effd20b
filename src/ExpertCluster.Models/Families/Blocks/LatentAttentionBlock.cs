using ExpertCluster.Models.Decoding;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>DeepSeek's multi-head latent attention as published.</summary>
/// <param name="hiddenSize">H.</param>
/// <param name="spec">Heads; head width n + r, rotary width r, latent width c + r.</param>
/// <param name="valueWidth">Width v of a head's value.</param>
public sealed class LatentAttentionBlock(long hiddenSize, DecoderSpec spec, long valueWidth) : AttentionBlock
{
    /// <summary>Width of the query latent; null where queries come straight from the hidden state.</summary>
    public long? QueryRank { get; init; }

    /// <summary>Whether the projections to latents and the output projection have a bias.</summary>
    public bool Bias { get; init; }

    /// <summary>Whether rotary pairs are neighbours instead of halves; their rows are reordered when loaded.</summary>
    public bool Interleaved { get; init; }

    private long Rotary => spec.Rope!.Width;

    private long Latent => spec.LatentWidth!.Value - Rotary;

    private long Plain => spec.HeadDim - Rotary;

    private long QueryWidth => (long)spec.Heads * spec.HeadDim;

    private long UpWidth => spec.Heads * (Plain + valueWidth);

    /// <inheritdoc/>
    public override void Validate(WeightReader weights, string prefix)
    {
        if (QueryRank is { } rank)
        {
            weights.Require(prefix + "q_a_proj.weight", rank, hiddenSize);
            weights.Require(prefix + "q_a_layernorm.weight", rank);
            weights.Require(prefix + "q_b_proj.weight", QueryWidth, rank);
        }
        else
        {
            weights.Require(prefix + "q_proj.weight", QueryWidth, hiddenSize);
        }

        weights.Require(prefix + "kv_a_proj_with_mqa.weight", Latent + Rotary, hiddenSize);
        weights.Require(prefix + "kv_a_layernorm.weight", Latent);
        weights.Require(prefix + "kv_b_proj.weight", UpWidth, Latent);
        weights.Require(prefix + "o_proj.weight", hiddenSize, spec.Heads * valueWidth);
        if (Bias)
        {
            if (QueryRank is { } width)
            {
                weights.Require(prefix + "q_a_proj.bias", width);
            }

            weights.Require(prefix + "kv_a_proj_with_mqa.bias", Latent + Rotary);
            weights.Require(prefix + "o_proj.bias", hiddenSize);
        }
    }

    /// <inheritdoc/>
    public override AttentionWeights Load(WeightReader weights, string prefix, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        bool low = QueryRank is not null;
        long input = QueryRank ?? hiddenSize;
        Tensor query = Read(low ? "q_b_proj.weight" : "q_proj.weight", QueryWidth, input).view(spec.Heads, spec.HeadDim, input);
        Reorder(query.narrow(1, Plain, Rotary), 1);
        Tensor latent = Read("kv_a_proj_with_mqa.weight", Latent + Rotary, hiddenSize);
        Reorder(latent.narrow(0, Latent, Rotary), 0);
        Tensor? latentBias = Bias ? Read("kv_a_proj_with_mqa.bias", Latent + Rotary) : null;
        if (latentBias is not null)
        {
            Reorder(latentBias.narrow(0, Latent, Rotary), 0);
        }

        Tensor up = Read("kv_b_proj.weight", UpWidth, Latent).view(spec.Heads, Plain + valueWidth, Latent);
        return new LatentAttentionWeights
        {
            Query = query.view(QueryWidth, input).DetachFromDisposeScope(),
            QueryLatent = low ? Keep(Read("q_a_proj.weight", input, hiddenSize)) : null,
            QueryLatentBias = low && Bias ? Keep(Read("q_a_proj.bias", input)) : null,
            QueryLatentNorm = low ? Keep(Read("q_a_layernorm.weight", input)) : null,
            Latent = Keep(latent),
            LatentBias = latentBias is null ? null : Keep(latentBias),
            LatentNorm = Keep(Read("kv_a_layernorm.weight", Latent)),
            KeyUp = Keep(up.narrow(1, 0, Plain).contiguous()),
            ValueUp = Keep(up.narrow(1, Plain, valueWidth).transpose(1, 2).contiguous()),
            Output = Keep(Read("o_proj.weight", hiddenSize, spec.Heads * valueWidth)),
            OutputBias = Bias ? Keep(Read("o_proj.bias", hiddenSize)) : null,
        };

        Tensor Read(string name, params long[] shape) => weights.Read(prefix + name, device, shape);

        static Tensor Keep(Tensor tensor) => tensor.DetachFromDisposeScope();
    }

    /// <summary>Rows 0, 2, 4, … before 1, 3, 5, …, in place: neighbours become halves. Scores stay, since keys move alike.</summary>
    private void Reorder(Tensor rows, long axis)
    {
        if (Interleaved)
        {
            rows.copy_(cat([rows.slice(axis, 0, Rotary, 2), rows.slice(axis, 1, Rotary, 2)], axis));
        }
    }
}
