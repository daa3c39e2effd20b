using ExpertCluster.Models.Decoding;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>
/// Grouped-query attention stored as <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c>, <c>o_proj</c> and what a family adds; a relative bias
/// as T5 stores it, <c>relative_attention_bias</c> [buckets, heads].
/// </summary>
/// <param name="hiddenSize">H.</param>
/// <param name="spec">Heads, and whether there is a relative bias.</param>
public sealed class GroupedAttentionBlock(long hiddenSize, DecoderSpec spec) : AttentionBlock
{
    private const string BiasTable = "relative_attention_bias.weight";

    /// <summary>Whether the three projections have a bias.</summary>
    public bool Bias { get; init; }

    /// <summary>Whether the output projection has one.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Which norms queries and keys have.</summary>
    public QueryKeyNorm Norm { get; init; }

    /// <summary>Bound of queries, keys and values; null for none.</summary>
    public double? Clip { get; init; }

    /// <summary>Whether there are <c>sinks</c>.</summary>
    public bool Sinks { get; init; }

    private long QueryWidth => (long)spec.Heads * spec.HeadDim;

    private long KeyWidth => (long)spec.KvHeads * spec.HeadDim;

    private (string Name, long Rows)[] Projections => [("q_proj", QueryWidth), ("k_proj", KeyWidth), ("v_proj", KeyWidth)];

    /// <inheritdoc/>
    public override void Validate(WeightReader weights, string prefix)
    {
        foreach ((string name, long rows) in Projections)
        {
            weights.Require($"{prefix}{name}.weight", rows, hiddenSize);
            if (Bias)
            {
                weights.Require($"{prefix}{name}.bias", rows);
            }
        }

        weights.Require(prefix + "o_proj.weight", hiddenSize, QueryWidth);
        if (OutputBias)
        {
            weights.Require(prefix + "o_proj.bias", hiddenSize);
        }

        if (Norm != QueryKeyNorm.None)
        {
            weights.Require(prefix + "q_norm.weight", NormWidth(QueryWidth));
            weights.Require(prefix + "k_norm.weight", NormWidth(KeyWidth));
        }

        if (Sinks)
        {
            weights.Require(prefix + "sinks", spec.Heads);
        }

        if (spec.RelativeBias is { } bias)
        {
            weights.Require(prefix + BiasTable, bias.Buckets, spec.Heads);
        }
    }

    /// <inheritdoc/>
    public override AttentionWeights Load(WeightReader weights, string prefix, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        bool norms = Norm != QueryKeyNorm.None;
        return new GroupedAttentionWeights
        {
            QueryKeyValue = Stack("weight", hiddenSize),
            Bias = Bias ? Stack("bias", null) : null,
            QueryNorm = norms ? Read("q_norm.weight", NormWidth(QueryWidth)) : null,
            KeyNorm = norms ? Read("k_norm.weight", NormWidth(KeyWidth)) : null,
            NormsWhole = Norm == QueryKeyNorm.Whole,
            Clip = Clip,
            Sinks = Sinks ? Read("sinks", spec.Heads) : null,
            RelativeBias = spec.RelativeBias is { } bias
                ? weights.Read(prefix + BiasTable, device, bias.Buckets, spec.Heads).t().contiguous().DetachFromDisposeScope()
                : null,
            Output = Read("o_proj.weight", hiddenSize, QueryWidth),
            OutputBias = OutputBias ? Read("o_proj.bias", hiddenSize) : null,
        };

        Tensor Read(string name, params long[] shape) => weights.Read(prefix + name, device, shape).DetachFromDisposeScope();

        Tensor Stack(string kind, long? width) => weights.Stack(
            device, width, [.. Projections.Select(p => ($"{prefix}{p.Name}.{kind}", p.Rows))]).DetachFromDisposeScope();
    }

    private long NormWidth(long width) => Norm == QueryKeyNorm.Whole ? width : spec.HeadDim;
}
