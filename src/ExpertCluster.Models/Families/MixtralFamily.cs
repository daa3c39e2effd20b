using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>
/// Mixtral (Jiang et al. 2024, arXiv:2401.04088) as Hugging Face transformers publishes it, <c>model_type</c> mixtral. Absent keys
/// take that library's defaults where it has meaningful ones.
/// </summary>
public sealed class MixtralFamily : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "mixtral";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        var read = new DecoderConfig(config, generation, "sliding_window", "use_sliding_window", "norm_topk_prob", "moe_intermediate_size", "num_selected_experts");
        config.OnlyOneOf("norm_topk_prob", "true");
        DecoderSpec spec = read.Spec(read.HeadDim(), 1e6, 1e-5) with
        {
            SlidingWindow = read.Window(),
        };
        int experts = read.Experts("num_local_experts");
        var rule = new RouterRule { Experts = experts, TopK = read.TopK(experts, null, "num_experts_per_tok"), Normalise = true };
        int width = read.ExpertWidth();
        var network = new SwiGluBlock(read.Hidden, width) { Gate = "w1", Up = "w3", Down = "w2" };
        return new DecoderDefinition(read.Shape(ModelType, read.AllLayers(), rule, width), spec)
        {
            Format = WeightFormat.Read(config),
            Attention = new GroupedAttentionBlock(read.Hidden, spec),
            Moe = new MoeBlock { Name = "block_sparse_moe.", Rule = rule, Experts = new SwiGluExperts(network) },
        };
    }
}
