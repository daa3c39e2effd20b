using ExpertCluster.Models.Families.Blocks;

namespace ExpertCluster.Models.Families;

/// <summary>
/// GPT-OSS (OpenAI 2025, arXiv:2508.10925), <c>model_type</c> gpt_oss: attention sinks, windows in the layers that
/// <c>layer_types</c> names, biases throughout, clamped SwiGLU, experts as MXFP4 or plain. The softmax of the kept logits equals the
/// renormalised softmax of all.
/// </summary>
public sealed class GptOssFamily : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "gpt_oss";

    /// <inheritdoc/>
    public ModelDefinition Define(ConfigFile config, ConfigFile? generation)
    {
        var read = new DecoderConfig(
            config, generation, "attention_bias", "sliding_window", "use_sliding_window", "layer_types", "swiglu_limit", "swiglu_alpha",
            "router_bias", "moe_intermediate_size", "num_selected_experts");
        config.OnlyOneOf("router_bias", "true");
        config.OnlyOneOf("swiglu_alpha", "1.702");
        bool window = config.Flag("use_sliding_window", true);

        // The reference alternates, a window first, when the file says nothing.
        bool[] windows = read.Windows() ?? [.. read.AllLayers().Select(layer => window && layer % 2 == 0)];
        if (!window && windows.Contains(true))
        {
            throw config.Error("layer_types", "names sliding_attention while use_sliding_window is false.");
        }

        DecoderSpec spec = read.Spec(read.HeadDim(), 150000, 1e-5) with
        {
            SlidingWindow = windows.Contains(true) ? config.Int("sliding_window", 1, int.MaxValue) : null,
            WindowedLayers = windows,
        };
        bool bias = config.Flag("attention_bias", true);
        int experts = read.Experts("num_local_experts", "num_experts");
        var rule = new RouterRule
        {
            Experts = experts,
            TopK = read.TopK(experts, null, "num_experts_per_tok", "experts_per_token"),
            Normalise = true,
        };
        int width = read.ExpertWidth();
        WeightFormat format = WeightFormat.Read(config, mxfp4: true);
        foreach ((string key, int size) in ((string, int)[])[("hidden_size", read.Hidden), ("intermediate_size", width)])
        {
            if (format.Mxfp4 && size % Mxfp4.Block != 0)
            {
                throw config.Error(key, $"is {size}; MXFP4 needs a multiple of {Mxfp4.Block}.");
            }
        }

        return new DecoderDefinition(read.Shape(ModelType, read.AllLayers(), rule, width), spec)
        {
            Format = format,
            Attention = new GroupedAttentionBlock(read.Hidden, spec) { Bias = bias, OutputBias = bias, Sinks = true },
            Moe = new MoeBlock
            {
                Gate = "router",
                GateBias = true,
                Rule = rule,
                Experts = new GptOssExperts(read.Hidden, width, config.Number("swiglu_limit", 1e-6, 1e6, 7), format.Mxfp4),
            },
        };
    }
}
