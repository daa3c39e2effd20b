using ExpertCluster.Tests.Models.Families;

namespace ExpertCluster.Tests.Models.EncoderDecoder;

/// <summary>Writes the tensors that an encoder–decoder's config asks for, under the names that published checkpoints have.</summary>
internal static class TinyEncoderDecoders
{
    public const int Vocabulary = 40;

    public static TinyModel Create(string config, int seed)
    {
        var m = new TinyModel(config, seed);
        m.Config["vocab_size"] = Vocabulary;
        m.Config["is_encoder_decoder"] = true;
        bool t5 = IsT5(m);
        int h = m.Int("d_model");
        m.Matrix(t5 ? "shared.weight" : "model.shared.weight", Vocabulary, h);
        if (!m.Flag("tie_word_embeddings", true))
        {
            m.Matrix("lm_head.weight", Vocabulary, h);
        }

        foreach (string stack in (string[])["encoder", "decoder"])
        {
            for (int layer = 0; layer < Layers(m, stack); layer++)
            {
                Layer(m, stack, layer, h);
            }

            Norm(m, t5 ? stack + ".final_layer_norm" : $"model.{stack}.layer_norm", h);
            if (t5)
            {
                int buckets = m.Int("relative_attention_num_buckets", 32);
                m.Floats(
                    $"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight", [buckets, m.Int("num_heads")],
                    m.Numbers(buckets * m.Int("num_heads"), 0, 1));
            }
        }

        return m;
    }

    public static bool IsT5(TinyModel m) => m.Config["model_type"]!.ToString() == "switch_transformers";

    public static int Layers(TinyModel m, string stack) => IsT5(m)
        ? stack == "encoder" ? m.Int("num_layers") : m.Int("num_decoder_layers", m.Int("num_layers"))
        : m.Int(stack + "_layers");

    public static int Heads(TinyModel m, string stack) => IsT5(m) ? m.Int("num_heads") : m.Int(stack + "_attention_heads");

    public static bool IsSparse(TinyModel m, string stack, int layer)
    {
        if (!IsT5(m))
        {
            return m.Int(stack + "_sparse_step", 4) is > 0 and var every && (layer + 1) % every == 0;
        }

        int count = m.Int($"num_sparse_{stack}_layers", 3);
        int step = m.Int(stack + "_sparse_step", count > 0 ? Layers(m, stack) / count : 0);
        return step == 1 || (step > 1 && layer % step == 1);
    }

    /// <summary>Names of self-attention, cross-attention and network with their norms.</summary>
    public static (string Self, string SelfNorm, string Cross, string CrossNorm, string Network, string NetworkNorm) Names(TinyModel m, string stack, int layer)
    {
        string block = $"{stack}.block.{layer}.layer.";
        string last = stack == "encoder" ? "1" : "2";
        string p = $"model.{stack}.layers.{layer}.";
        return IsT5(m)
            ? (block + "0.SelfAttention.", block + "0.layer_norm", block + "1.EncDecAttention.", block + "1.layer_norm", $"{block}{last}.mlp.", $"{block}{last}.layer_norm")
            : (p + "self_attn.", p + "self_attn_layer_norm", p + "cross_attention.", p + "cross_attention_layer_norm", p + "ffn.", p + "ff_layer_norm");
    }

    public static string[] Projections(TinyModel m) => IsT5(m) ? ["q", "k", "v", "o"] : ["q_proj", "k_proj", "v_proj", "out_proj"];

    public static (string First, string Second) Matrices(TinyModel m) => IsT5(m) ? ("wi", "wo") : ("fc1", "fc2");

    private static void Layer(TinyModel m, string stack, int layer, int h)
    {
        var names = Names(m, stack, layer);
        Attention(m, names.Self, h);
        Norm(m, names.SelfNorm, h);
        if (stack == "decoder")
        {
            Attention(m, names.Cross, h);
            Norm(m, names.CrossNorm, h);
        }

        Norm(m, names.NetworkNorm, h);
        int width = m.Int(IsT5(m) ? "d_ff" : stack + "_ffn_dim");
        if (!IsSparse(m, stack, layer))
        {
            Network(m, names.Network, h, width);
            return;
        }

        m.Matrix(names.Network + "router.classifier.weight", m.Int("num_experts"), h);
        if (m.Flag("router_bias"))
        {
            m.Bias(names.Network + "router.classifier.bias", m.Int("num_experts"));
        }

        for (int expert = 0; expert < m.Int("num_experts"); expert++)
        {
            Network(m, $"{names.Network}experts.expert_{expert}.", h, width);
        }
    }

    private static void Attention(TinyModel m, string prefix, int h)
    {
        int width = IsT5(m) ? m.Int("num_heads") * m.Int("d_kv") : h;
        string[] names = Projections(m);
        foreach (string name in names)
        {
            (int rows, int columns) = name == names[3] ? (h, width) : (width, h);

            // T5's scores have no factor of their own; its queries are small instead.
            m.Floats($"{prefix}{name}.weight", [rows, columns], m.Numbers(rows * columns, 0, Math.Sqrt(3.0 / columns) * (IsT5(m) && name == "q" ? 0.4 : 1)));
            if (!IsT5(m))
            {
                m.Bias($"{prefix}{name}.bias", rows);
            }
        }
    }

    private static void Network(TinyModel m, string prefix, int h, int width)
    {
        (string first, string second) = Matrices(m);
        m.Matrix($"{prefix}{first}.weight", width, h);
        m.Matrix($"{prefix}{second}.weight", h, width);
        if (!IsT5(m))
        {
            m.Bias($"{prefix}{first}.bias", width);
            m.Bias($"{prefix}{second}.bias", h);
        }
    }

    private static void Norm(TinyModel m, string name, int h)
    {
        m.Norm(name + ".weight", h);
        if (!IsT5(m))
        {
            m.Bias(name + ".bias", h);
        }
    }
}
