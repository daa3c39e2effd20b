using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>
/// OLMoE (Muennighoff et al. 2024, arXiv:2409.02060), <c>model_type</c> olmoe: norms over whole query and key projections, weights of
/// the chosen experts not renormalised unless <c>norm_topk_prob</c> says so.
/// </summary>
public sealed class OlmoeFamily : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "olmoe";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        var read = new DecoderConfig(config, generation, "norm_topk_prob", "attention_bias", "clip_qkv", "moe_intermediate_size", "num_selected_experts", "use_qk_norm");

        // It has such norms always: "false" would be a lie, and what "true" means differs between families.
        config.OnlyOneOf("use_qk_norm");
        DecoderSpec spec = read.Spec(read.HeadDim(), 1e4, 1e-5);
        bool bias = config.Flag("attention_bias", false);
        int experts = read.Experts("num_experts", "num_local_experts");
        var rule = new RouterRule
        {
            Experts = experts,
            TopK = read.TopK(experts, null, "num_experts_per_tok"),
            Normalise = config.Flag("norm_topk_prob", false),
        };
        int width = read.ExpertWidth();
        return new DecoderDefinition(read.Shape(ModelType, read.AllLayers(), rule, width), spec)
        {
            Format = WeightFormat.Read(config),
            Attention = new GroupedAttentionBlock(read.Hidden, spec)
            {
                Norm = QueryKeyNorm.Whole,
                Bias = bias,
                OutputBias = bias,
                Clip = config.Has("clip_qkv") ? config.Number("clip_qkv", 1e-6, 1e6, 0) : null,
            },
            Moe = new MoeBlock { Rule = rule, Experts = new SwiGluExperts(new SwiGluBlock(read.Hidden, width)) },
        };
    }
}
