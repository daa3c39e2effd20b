using ExpertCluster.Models.Families.Blocks;
using ExpertCluster.Moe;

namespace ExpertCluster.Models.Families;

/// <summary>
/// GLaM (Du et al. 2021, arXiv:2112.06905), <c>model_type</c> glam. No checkpoint of it was published, so keys and names are this
/// project's own, as close to those of the other families as may be.
/// <para>
/// A decoder with RMS norms before attention and before the feed-forward part. A bias per head and distance (<see cref="RelativeBiasSpec"/>),
/// in every layer another, is added to the scores q·k ÷ √<c>head_dim</c>; there is no rotary embedding. Every <c>moe_every</c>-th layer has
/// experts, y = wo·act(wi·x), of which a token takes the best two with weights that sum to 1; the layers between have one gated network,
/// down(act(gate·x) ⊙ up·x). No token is dropped: capacity and the random second expert belong to training (the <c>glam</c> preset).
/// </para>
/// <para>
/// Sizes, that must be there: <c>vocab_size</c>, <c>hidden_size</c> (H), <c>num_hidden_layers</c>, <c>num_attention_heads</c>,
/// <c>max_position_embeddings</c>, <c>num_experts</c> (E), <c>intermediate_size</c> (width of the dense networks, and of the experts
/// unless <c>moe_intermediate_size</c> says otherwise).
/// Those with a default: <c>num_key_value_heads</c> (as many as heads), <c>head_dim</c> (H ÷ heads), <c>moe_every</c> (2: layers 1, 3, 5 …
/// counted from 0, that is where layer + 1 is a multiple), <c>num_experts_per_tok</c> (2), <c>norm_topk_prob</c> (true),
/// <c>hidden_act</c> (gelu, in dense networks), <c>expert_act</c> (relu, in experts), <c>relative_attention_num_buckets</c> (32),
/// <c>relative_attention_max_distance</c> (128), <c>rms_norm_eps</c> (1e-6), <c>tie_word_embeddings</c> (false). <c>bos_token_id</c>,
/// <c>eos_token_id</c> and an FP8 <c>quantization_config</c> are as elsewhere. Any other key is refused, but for a few that say nothing
/// about what is computed.
/// </para>
/// <para>
/// Tensors: <c>model.embed_tokens.weight</c> and, untied, <c>lm_head.weight</c> [V,H]; <c>model.norm.weight</c> [H]; and in
/// <c>model.layers.N.</c>: <c>input_layernorm.weight</c>, <c>post_attention_layernorm.weight</c> [H];
/// <c>self_attn.q_proj.weight</c>, <c>k_proj</c>, <c>v_proj</c>, <c>o_proj</c>; <c>self_attn.relative_attention_bias.weight</c>
/// [buckets, heads]; with experts <c>mlp.gate.weight</c> [E,H] and <see cref="FeedForwardExperts"/> (<c>E.wi.weight</c>, or fused <c>wi</c>) under <c>mlp.experts.</c>; without
/// <c>mlp.gate_proj.weight</c>, <c>up_proj</c>, <c>down_proj</c>.
/// </para>
/// </summary>
public sealed class GlamFamily : IModelFamily
{
    private static readonly string[] Keys =
    [
        "num_experts", "num_experts_per_tok", "norm_topk_prob", "moe_every", "intermediate_size", "moe_intermediate_size", "hidden_act",
        "expert_act", "relative_attention_num_buckets", "relative_attention_max_distance", "quantization_config",
    ];

    /// <inheritdoc/>
    public string ModelType => "glam";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        ArgumentNullException.ThrowIfNull(config);
        var read = new DecoderConfig(config, generation, Keys);
        read.RefuseOthers(Keys);
        DecoderSpec spec = read.Spec(read.HeadDim(rotary: false), rope: null, 1e-6) with { RelativeBias = Bias(config) };
        int experts = read.Experts("num_experts");
        var rule = new RouterRule
        {
            Experts = experts,
            TopK = read.TopK(experts, Math.Min(2, experts), "num_experts_per_tok"),
            Normalise = config.Flag("norm_topk_prob", true),
        };
        int dense = read.Size("intermediate_size");
        int width = config.OptionalInt("moe_intermediate_size", 1, 1 << 24) ?? dense;
        int every = config.OptionalInt("moe_every", 1, read.Layers) ?? 2;
        int[] sparse = [.. read.AllLayers().Where(layer => (layer + 1) % every == 0)];
        Activation activation = read.Activation("hidden_act", Activation.Gelu);
        return new DecoderDefinition(read.Shape(ModelType, sparse, rule, width) with { SameIndexTogether = true }, spec)
        {
            Format = WeightFormat.Read(config),
            Attention = new GroupedAttentionBlock(read.Hidden, spec),
            Moe = new MoeBlock
            {
                Rule = rule,
                Experts = new FeedForwardExperts(
                    new FeedForwardBlock(read.Hidden, width, read.Activation("expert_act", Activation.Relu)), prefix: ""),
            },
            Dense = every == 1 ? null : new SwiGluBlock(read.Hidden, dense) { Activation = activation },
        };
    }

    private static RelativeBiasSpec Bias(ConfigFile config)
    {
        int buckets = config.OptionalInt("relative_attention_num_buckets", 2, 1 << 16) ?? 32;
        int largest = config.OptionalInt("relative_attention_max_distance", 1, int.MaxValue) ?? 128;
        return largest > buckets / 2
            ? new RelativeBiasSpec { Buckets = buckets, MaxDistance = largest }
            : throw config.Error(
                "relative_attention_max_distance", $"is {largest}; it must be above half of relative_attention_num_buckets, {buckets / 2}.");
    }
}
