using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>
/// Qwen3-MoE (Qwen Team 2025, arXiv:2505.09388), <c>model_type</c> qwen3_moe: norms per head of queries and keys, dense layers where
/// <c>decoder_sparse_step</c> and <c>mlp_only_layers</c> say so.
/// </summary>
public sealed class Qwen3MoeFamily : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "qwen3_moe";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        var read = new DecoderConfig(
            config, generation, "norm_topk_prob", "attention_bias", "sliding_window", "use_sliding_window", "decoder_sparse_step", "mlp_only_layers",
            "moe_intermediate_size", "num_selected_experts", "use_qk_norm");
        config.OnlyOneOf("use_qk_norm", "true");
        bool window = config.Flag("use_sliding_window", false);
        if (window)
        {
            // Versions of the reference disagree on which layers the window then covers.
            config.OnlyOneOf("max_window_layers", "0");
        }

        DecoderSpec spec = read.Spec(read.HeadDim(), 1e4, 1e-6) with { SlidingWindow = window ? read.Window() : null };
        bool bias = config.Flag("attention_bias", false);
        int experts = read.Experts("num_experts", "num_local_experts");
        var rule = new RouterRule
        {
            Experts = experts,
            TopK = read.TopK(experts, null, "num_experts_per_tok"),
            Normalise = config.Flag("norm_topk_prob", false),
        };
        int width = read.Size("moe_intermediate_size");
        int[] sparse = read.SparseLayers();
        return new DecoderDefinition(read.Shape(ModelType, sparse, rule, width), spec)
        {
            Format = WeightFormat.Read(config),
            Attention = new GroupedAttentionBlock(read.Hidden, spec) { Norm = QueryKeyNorm.PerHead, Bias = bias, OutputBias = bias },
            Moe = new MoeBlock { Rule = rule, Experts = new SwiGluExperts(new SwiGluBlock(read.Hidden, width)) },
            Dense = sparse.Length == read.Layers ? null : new SwiGluBlock(read.Hidden, read.Size("intermediate_size")),
        };
    }
}
