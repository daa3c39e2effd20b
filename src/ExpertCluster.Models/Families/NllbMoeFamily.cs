using ExpertCluster.Models.EncoderDecoder;
using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>
/// NLLB-MoE (NLLB Team 2022, arXiv:2207.04672) as Hugging Face publishes it, <c>model_type</c> nllb-moe: an M2M-100 encoder–decoder whose
/// sparse layers send each token to two experts, weighed to a sum of 1, their outputs scaled by what training kept of them
/// (<c>1 − moe_token_dropout</c>). No token is dropped, so <c>batch_prioritized_routing</c>,
/// <c>normalize_router_prob_before_dropping</c> and <c>expert_capacity</c> change nothing; an evaluation capacity below all tokens is refused.
/// </summary>
internal sealed class NllbMoeFamily : IModelFamily
{
    private const double NormEpsilon = 1e-5;

    /// <inheritdoc/>
    public string ModelType => "nllb-moe";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation) => Define(config, generation, null);

    /// <summary>
    /// Since version 5 transformers takes the one-hot mask of the best expert for a list of indices: where it is 1, all tokens go to expert
    /// 1, and where it is 0 to expert 0, with the weights of the best and second choice (found in 5.17).
    /// </summary>
    public string? ReferenceDefect(ConfigFile config) =>
        config.Text("transformers_version") is { } version && int.TryParse(version.Split('.')[0], out int major) && major >= 5
            ? $"transformers {version} sends every token of nllb-moe to experts 1 and 0, whatever the router chose"
            : null;

    /// <inheritdoc/>
    public ModelDefinition DefineLikeReference(ConfigFile config, ConfigFile? generation) =>
        Define(config, generation, ReferenceDefect(config) is null ? null : [1, 0]);

    private EncoderDecoderDefinition Define(ConfigFile config, ConfigFile? generation, int[]? expertsByRank)
    {
        var read = new EncoderDecoderConfig(
            config, generation, "num_selected_experts", "encoder_sparse_step", "decoder_sparse_step", "router_bias", "norm_topk_prob",
            "second_expert_policy", "batch_prioritized_routing", "normalize_router_prob_before_dropping", "moe_eval_capacity_token_fraction",
            "moe_token_dropout", "scale_embedding", "attention_bias", "qkv_bias", "mlp_bias");
        read.AgreeTopK(2);
        config.OnlyOneOf("norm_topk_prob", "true");
        config.OnlyOneOf("second_expert_policy", "\"all\"");
        foreach (string bias in (ReadOnlySpan<string>)["attention_bias", "qkv_bias", "mlp_bias"])
        {
            config.OnlyOneOf(bias, "true");
        }

        if (config.Number("moe_eval_capacity_token_fraction", -1, 1e9, 1) is var fraction and < 1)
        {
            throw config.Error(
                "moe_eval_capacity_token_fraction", FormattableString.Invariant($"is {fraction}; tokens would be dropped by what else is in the batch. Only 1 and more is supported."));
        }

        // Flags that decide only who is dropped: read, so that a malformed one is noticed.
        config.Flag("batch_prioritized_routing", false);
        config.Flag("normalize_router_prob_before_dropping", false);

        double kept = 1 - config.Number("moe_token_dropout", 0, 1, 0.2);
        var rule = new RouterRule
        {
            Experts = read.Experts >= 2 ? read.Experts : throw config.Error("num_experts", $"is {read.Experts}; each token goes to 2."),
            TopK = 2,
            Normalise = true,
            Scale = kept,
            ExpertsByRank = expertsByRank,
        };
        int encoderLayers = read.Layers("encoder_layers");
        int decoderLayers = read.Layers("decoder_layers");
        HashSet<int> encoderSparse = Sparse(config, "encoder_sparse_step", encoderLayers);
        HashSet<int> decoderSparse = Sparse(config, "decoder_sparse_step", decoderLayers);
        int encoderHeads = Heads(config, read, "encoder_attention_heads");
        int decoderHeads = Heads(config, read, "decoder_attention_heads");
        int encoderWidth = read.Size("encoder_ffn_dim");
        int decoderWidth = read.Size("decoder_ffn_dim");
        Moe.Activation activation = read.Activation("activation_function", "relu");
        bool routerBias = config.Flag("router_bias", false);
        var norm = new NormBlock(read.Hidden, bias: true, NormEpsilon);
        int padding = read.Token("pad_token_id", 1);
        int end = read.Token("eos_token_id", 2);
        var spec = new EncoderDecoderSpec(
            decoderHeads, read.Hidden / decoderHeads, encoderHeads,
            EmbeddingScale: config.Flag("scale_embedding", true) ? Math.Sqrt(read.Hidden) : 1, HeadScale: 1, PaddingToken: padding);
        ModelShape shape = read.Shape(
            ModelType, (encoderLayers, encoderSparse), (decoderLayers, decoderSparse), rule.TopK, Math.Max(encoderWidth, decoderWidth),
            read.Size("max_position_embeddings", 1024), start: end, end);
        return new EncoderDecoderDefinition(shape, spec)
        {
            Format = WeightFormat.Read(config),
            Embedding = "model.shared.weight",
            TiedHead = config.Flag("tie_word_embeddings", true),
            EncoderStack = Stack("encoder", encoderLayers, encoderSparse, encoderHeads, encoderWidth),
            DecoderStack = Stack("decoder", decoderLayers, decoderSparse, decoderHeads, decoderWidth),
        };

        StackBlock Stack(string name, int layers, HashSet<int> sparse, int heads, int width)
        {
            var network = new FeedForwardBlock(read.Hidden, width, activation) { First = "fc1", Second = "fc2", Bias = true };
            int headDim = read.Hidden / heads;
            return new StackBlock
            {
                Layers = layers,
                Sparse = sparse,
                Names = layer => Names(name, layer),
                FinalNorm = $"model.{name}.layer_norm",
                Norm = norm,
                Attention = new MultiHeadBlock(read.Hidden, heads, headDim, 1 / Math.Sqrt(headDim))
                {
                    Names = ("q_proj", "k_proj", "v_proj", "out_proj"),
                    Bias = true,
                },
                Dense = network,
                Moe = new MoeBlock
                {
                    Name = "",
                    Gate = "router.classifier",
                    GateBias = routerBias,
                    Rule = rule,
                    Experts = new FeedForwardExperts(network),
                },
            };
        }
    }

    private static StackNames Names(string stack, int layer)
    {
        string prefix = $"model.{stack}.layers.{layer}.";
        bool decoder = stack == "decoder";
        return new StackNames(
            prefix + "self_attn.", prefix + "self_attn_layer_norm", decoder ? prefix + "cross_attention." : null,
            decoder ? prefix + "cross_attention_layer_norm" : null, prefix + "ffn.", prefix + "ff_layer_norm");
    }

    /// <summary>Every step-th layer; none with a step of 0.</summary>
    private static HashSet<int> Sparse(ConfigFile config, string key, int layers)
    {
        int step = config.OptionalInt(key, 0, 65536) ?? 4;
        return [.. Enumerable.Range(0, layers).Where(layer => step > 0 && (layer + 1) % step == 0)];
    }

    private static int Heads(ConfigFile config, EncoderDecoderConfig read, string key)
    {
        int heads = read.Size(key);
        if (read.Hidden % heads != 0)
        {
            throw config.Error(key, $"is {heads}, which does not divide d_model {read.Hidden}.");
        }

        read.Agree("num_key_value_heads", heads, key);
        read.Agree("head_dim", read.Hidden / heads, "d_model / " + key);
        return heads;
    }
}
