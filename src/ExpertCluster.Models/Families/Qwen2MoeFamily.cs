using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>
/// Qwen1.5-MoE and Qwen2-MoE (Yang et al. 2024, arXiv:2407.10671), <c>model_type</c> qwen2_moe: a shared expert under its own sigmoid
/// gate, biases on query, key and value, dense layers where <c>decoder_sparse_step</c> and <c>mlp_only_layers</c> say so.
/// </summary>
public sealed class Qwen2MoeFamily : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "qwen2_moe";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        var read = new DecoderConfig(
            config, generation, "norm_topk_prob", "qkv_bias", "sliding_window", "use_sliding_window", "layer_types", "decoder_sparse_step",
            "mlp_only_layers", "shared_expert_intermediate_size", "moe_intermediate_size", "num_selected_experts");
        bool[]? windows = read.Windows();
        bool window = config.Flag("use_sliding_window", false);
        if (window && windows is null)
        {
            throw config.Error("use_sliding_window", "is true without layer_types, and versions of the reference disagree on the layers meant; add layer_types.");
        }

        if (!window && windows is not null && windows.Contains(true))
        {
            throw config.Error("layer_types", "names sliding_attention while use_sliding_window is not true.");
        }

        DecoderSpec spec = read.Spec(read.HeadDim(), 1e4, 1e-6) with
        {
            SlidingWindow = window ? config.Int("sliding_window", 1, int.MaxValue) : null,
            WindowedLayers = window ? windows : null,
        };
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
            Attention = new GroupedAttentionBlock(read.Hidden, spec) { Bias = config.Flag("qkv_bias", true) },
            Moe = new MoeBlock
            {
                Rule = rule,
                Experts = new SwiGluExperts(new SwiGluBlock(read.Hidden, width)),
                Shared = new SwiGluBlock(read.Hidden, read.Size("shared_expert_intermediate_size")),
                SharedName = "shared_expert",
                SharedGate = "shared_expert_gate",
            },
            Dense = sparse.Length == read.Layers ? null : new SwiGluBlock(read.Hidden, read.Size("intermediate_size")),
        };
    }
}
