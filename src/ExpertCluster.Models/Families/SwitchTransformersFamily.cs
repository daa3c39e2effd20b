using ExpertCluster.Models.EncoderDecoder;
using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>
/// Switch Transformers (Fedus et al. 2021, arXiv:2101.03961) as Hugging Face publishes them, <c>model_type</c> switch_transformers: a T5
/// encoder–decoder whose sparse layers send each token to one expert, weighed by its probability. No token is dropped: like
/// transformers 5 at inference, <c>expert_capacity</c> counts for training only.
/// </summary>
internal sealed class SwitchTransformersFamily : IModelFamily
{
    /// <summary>Relative positions have no end; this bounds the memory of a request instead.</summary>
    private const int MaxContext = 4096;

    /// <inheritdoc/>
    public string ModelType => "switch_transformers";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        var read = new EncoderDecoderConfig(
            config, generation, "num_selected_experts", "encoder_sparse_step", "decoder_sparse_step", "router_bias", "norm_topk_prob",
            "relative_attention_num_buckets", "relative_attention_max_distance", "scale_decoder_outputs");
        read.AgreeTopK(1);

        // The one weight is the probability itself.
        config.OnlyOneOf("norm_topk_prob", "false");
        int heads = read.Size("num_heads");
        int headDim = read.Size("d_kv");
        read.Agree("head_dim", headDim, "d_kv");
        read.Agree("num_key_value_heads", heads, "num_heads");
        int width = read.Size("d_ff");
        int encoderLayers = read.Layers("num_layers");
        int decoderLayers = config.Has("num_decoder_layers") ? read.Layers("num_decoder_layers") : encoderLayers;
        HashSet<int> encoderSparse = Sparse(config, "encoder", encoderLayers);
        HashSet<int> decoderSparse = Sparse(config, "decoder", decoderLayers);
        bool tied = config.Flag("tie_word_embeddings", true);
        bool scaled = config.Flag("scale_decoder_outputs", tied);
        int buckets = config.OptionalInt("relative_attention_num_buckets", 4, 65536) ?? 32;
        int largest = config.OptionalInt("relative_attention_max_distance", 2, int.MaxValue) ?? 128;
        if (buckets % 2 != 0 || largest <= buckets / 2)
        {
            throw config.Error("relative_attention_num_buckets", $"is {buckets} with relative_attention_max_distance {largest}; it must be even, and half of it below that distance.");
        }

        var network = new FeedForwardBlock(read.Hidden, width, ActivationOf(config, read));
        var rule = new RouterRule { Experts = read.Experts, TopK = 1, Normalise = false };
        var norm = new NormBlock(read.Hidden, bias: false, config.Number("layer_norm_epsilon", 1e-20, 1, 1e-6));
        var attention = new MultiHeadBlock(read.Hidden, heads, headDim, scale: 1) { Names = ("q", "k", "v", "o") };
        var moe = new MoeBlock
        {
            Name = "",
            Gate = "router.classifier",
            GateBias = config.Flag("router_bias", false),
            Rule = rule,
            Experts = new FeedForwardExperts(network),
        };
        var spec = new EncoderDecoderSpec(
            heads, headDim, heads, EmbeddingScale: 1, HeadScale: scaled ? 1 / Math.Sqrt(read.Hidden) : 1, PaddingToken: null);
        int padding = read.Token("pad_token_id", 0);
        ModelShape shape = read.Shape(
            ModelType, (encoderLayers, encoderSparse), (decoderLayers, decoderSparse), rule.TopK, width, MaxContext, padding, end: 1);
        return new EncoderDecoderDefinition(shape, spec)
        {
            Format = WeightFormat.Read(config),
            Embedding = "shared.weight",
            TiedHead = tied,
            EncoderStack = Stack("encoder", encoderLayers, encoderSparse),
            DecoderStack = Stack("decoder", decoderLayers, decoderSparse),
        };

        StackBlock Stack(string name, int layers, HashSet<int> sparse) => new()
        {
            Layers = layers,
            Sparse = sparse,
            Names = layer => Names(name, layer),
            FinalNorm = name + ".final_layer_norm",
            Norm = norm,
            Attention = attention,
            Dense = network,
            Moe = moe,
            Bias = ($"{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight", buckets, heads, largest, name == "encoder"),
        };
    }

    private static StackNames Names(string stack, int layer)
    {
        string block = $"{stack}.block.{layer}.layer.";
        bool decoder = stack == "decoder";
        string network = block + (decoder ? "2" : "1");
        return new StackNames(
            block + "0.SelfAttention.", block + "0.layer_norm", decoder ? block + "1.EncDecAttention." : null,
            decoder ? block + "1.layer_norm" : null, network + ".mlp.", network + ".layer_norm");
    }

    /// <summary>Every step-th layer from the second on; all of them with a step of 1, none with 0.</summary>
    private static HashSet<int> Sparse(ConfigFile config, string stack, int layers)
    {
        int count = config.OptionalInt($"num_sparse_{stack}_layers", 0, layers) ?? Math.Min(3, layers);
        int step = config.OptionalInt(stack + "_sparse_step", 0, 65536) ?? (count > 0 ? layers / count : 0);
        return [.. Enumerable.Range(0, layers).Where(layer => step == 1 || (step > 1 && layer % step == 1))];
    }

    private static Moe.Activation ActivationOf(ConfigFile config, EncoderDecoderConfig read)
    {
        Moe.Activation activation = read.Activation("dense_act_fn", config.Text("feed_forward_proj") ?? "relu");

        // Written by older versions of the library, where "gated-…" asks for a third matrix.
        if (config.Has("feed_forward_proj") && read.Activation("feed_forward_proj", "relu") != activation)
        {
            throw config.Error("feed_forward_proj", "does not say the same as dense_act_fn.");
        }

        return activation;
    }
}
