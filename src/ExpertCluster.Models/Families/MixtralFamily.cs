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
        var read = new DecoderConfig(config, generation, "sliding_window", "norm_topk_prob");
        config.OnlyOneOf("norm_topk_prob", "true");
        DecoderSpec spec = read.Spec(read.HeadDim(), 1e6, 1e-5) with
        {
            SlidingWindow = config.OptionalInt("sliding_window", 1, int.MaxValue),
        };
        int experts = read.Experts("num_local_experts");
        var rule = new RouterRule { Experts = experts, TopK = config.Int("num_experts_per_tok", 1, experts), Normalise = true };
        int width = read.Size("intermediate_size");
        var network = new SwiGluBlock(read.Hidden, width) { Gate = "w1", Up = "w3", Down = "w2" };
        return new DecoderDefinition(read.Shape(ModelType, read.AllLayers(), rule, width), spec)
        {
            Format = WeightFormat.Read(config),
            Attention = new GroupedAttentionBlock(read.Hidden, spec),
            Moe = new MoeBlock { Name = "block_sparse_moe.", Rule = rule, Experts = new SwiGluExperts(network) },
        };
    }
}
