namespace ExpertCluster.Tests.Models.Families;

/// <summary>Writes the tensors that a config asks for, under the names that published checkpoints have.</summary>
internal static class TinyModels
{
    public const int Vocabulary = 48;

    public static TinyModel Create(string config, int seed, bool fused = false, (int Rows, int Columns)? float8 = null)
    {
        var m = new TinyModel(config, seed) { Float8 = float8 };
        int h = m.Int("hidden_size");
        m.Config["vocab_size"] = Vocabulary;
        m.Config["max_position_embeddings"] ??= 128;
        m.Matrix("model.embed_tokens.weight", Vocabulary, h, quantised: false);
        if (!m.Flag("tie_word_embeddings"))
        {
            m.Matrix("lm_head.weight", Vocabulary, h, quantised: false);
        }

        m.Norm("model.norm.weight", h);
        for (int layer = 0; layer < m.Int("num_hidden_layers"); layer++)
        {
            string p = $"model.layers.{layer}.";
            m.Norm(p + "input_layernorm.weight", h);
            m.Norm(p + "post_attention_layernorm.weight", h);
            if (m.Config.ContainsKey("kv_lora_rank"))
            {
                Latent(m, p + "self_attn.", h);
            }
            else
            {
                Grouped(m, p + "self_attn.", h);
            }

            if (NaiveDecoder.IsMoe(m, layer))
            {
                Moe(m, p + "mlp.", h, fused);
            }
            else
            {
                Network(m, p + "mlp.", h, m.Int("intermediate_size"));
            }
        }

        return m;
    }

    private static void Grouped(TinyModel m, string p, int h)
    {
        int heads = m.Int("num_attention_heads");
        int d = m.Int("head_dim", h / heads);
        string family = m.Config["model_type"]!.ToString();
        bool bias = family == "qwen2_moe" ? m.Flag("qkv_bias", true) : m.Flag("attention_bias", family == "gpt_oss");
        (string, int)[] projections = [("q", heads * d), ("k", m.Int("num_key_value_heads", heads) * d), ("v", m.Int("num_key_value_heads", heads) * d)];
        foreach ((string name, int rows) in projections)
        {
            m.Matrix($"{p}{name}_proj.weight", rows, h);
            if (bias)
            {
                m.Bias($"{p}{name}_proj.bias", rows);
            }
        }

        m.Matrix(p + "o_proj.weight", h, heads * d);
        if (bias && family != "qwen2_moe")
        {
            m.Bias(p + "o_proj.bias", h);
        }

        if (family is "olmoe" or "qwen3_moe")
        {
            m.Norm(p + "q_norm.weight", family == "olmoe" ? projections[0].Item2 : d);
            m.Norm(p + "k_norm.weight", family == "olmoe" ? projections[1].Item2 : d);
        }

        if (family == "gpt_oss")
        {
            m.Bias(p + "sinks", heads);
        }

        if (family == "glam")
        {
            int buckets = m.Int("relative_attention_num_buckets", 32);
            m.Floats(p + "relative_attention_bias.weight", [buckets, heads], m.Numbers(buckets * heads, 0, 2));
        }
    }

    private static void Latent(TinyModel m, string p, int h)
    {
        int heads = m.Int("num_attention_heads");
        int rope = m.Int("qk_rope_head_dim");
        int nope = m.Int("qk_nope_head_dim");
        int rank = m.Int("kv_lora_rank");
        int query = m.Int("q_lora_rank");
        bool bias = m.Flag("attention_bias");
        if (query > 0)
        {
            m.Matrix(p + "q_a_proj.weight", query, h);
            m.Norm(p + "q_a_layernorm.weight", query);
            m.Matrix(p + "q_b_proj.weight", heads * (rope + nope), query);
        }
        else
        {
            m.Matrix(p + "q_proj.weight", heads * (rope + nope), h);
        }

        m.Matrix(p + "kv_a_proj_with_mqa.weight", rank + rope, h);
        m.Norm(p + "kv_a_layernorm.weight", rank);
        m.Matrix(p + "kv_b_proj.weight", heads * (nope + m.Int("v_head_dim")), rank);
        m.Matrix(p + "o_proj.weight", h, heads * m.Int("v_head_dim"));
        if (bias)
        {
            m.Bias(p + "q_a_proj.bias", query);
            m.Bias(p + "kv_a_proj_with_mqa.bias", rank + rope);
            m.Bias(p + "o_proj.bias", h);
        }
    }

    private static void Moe(TinyModel m, string p, int h, bool fused)
    {
        int experts = NaiveDecoder.Experts(m);
        if (m.Config["model_type"]!.ToString() == "gpt_oss")
        {
            GptOss(m, p, h, experts);
            return;
        }

        if (m.Config["model_type"]!.ToString() == "glam")
        {
            Glam(m, p, h, experts, fused);
            return;
        }

        int f = m.Int(m.Config["model_type"]!.ToString() == "olmoe" ? "intermediate_size" : "moe_intermediate_size");
        m.Matrix(p + "gate.weight", experts, h, quantised: false);
        for (int expert = 0; expert < experts; expert++)
        {
            Network(m, $"{p}experts.{expert}.", h, f);
        }

        if (fused)
        {
            IEnumerable<int> all = Enumerable.Range(0, experts);
            m.Fuse(
                p + "experts.gate_up_proj",
                [experts, 2 * f, h],
                [.. all.SelectMany(e => (string[])[$"{p}experts.{e}.gate_proj.weight", $"{p}experts.{e}.up_proj.weight"])]);
            m.Fuse(p + "experts.down_proj", [experts, h, f], [.. all.Select(e => $"{p}experts.{e}.down_proj.weight")]);
        }

        if (m.Int("shared_expert_intermediate_size") is > 0 and var width)
        {
            Network(m, p + "shared_expert.", h, width);
            m.Matrix(p + "shared_expert_gate.weight", 1, h, quantised: false);
        }

        if (m.Int("n_shared_experts") is > 0 and var shared)
        {
            Network(m, p + "shared_experts.", h, shared * f);
        }

        if (m.Config["model_type"]!.ToString() == "deepseek_v3")
        {
            m.Bias(p + "gate.e_score_correction_bias", experts);
        }
    }

    private static void GptOss(TinyModel m, string p, int h, int experts)
    {
        int f = m.Int("intermediate_size");
        m.Matrix(p + "router.weight", experts, h);
        m.Bias(p + "router.bias", experts);
        m.Floats(p + "experts.gate_up_proj_bias", [experts, 2 * f], m.Numbers(experts * 2 * f, 0, 0.5));
        m.Floats(p + "experts.down_proj_bias", [experts, h], m.Numbers(experts * h, 0, 0.5));
        if (m.Config.ContainsKey("quantization_config"))
        {
            m.Blocks4(p + "experts.gate_up_proj", experts, 2 * f, h);
            m.Blocks4(p + "experts.down_proj", experts, h, f);
            return;
        }

        // Large enough for the clamp to matter.
        m.Floats(p + "experts.gate_up_proj", [experts, h, 2 * f], m.Numbers(experts * 2 * f * h, 0, 1));
        m.Floats(p + "experts.down_proj", [experts, f, h], m.Numbers(experts * f * h, 0, Math.Sqrt(3.0 / f) / 4));
    }

    private static void Glam(TinyModel m, string p, int h, int experts, bool fused)
    {
        int f = m.Int("moe_intermediate_size", m.Int("intermediate_size"));
        m.Matrix(p + "gate.weight", experts, h, quantised: false);
        for (int expert = 0; expert < experts; expert++)
        {
            m.Matrix($"{p}experts.{expert}.wi.weight", f, h);
            m.Matrix($"{p}experts.{expert}.wo.weight", h, f);
        }

        if (fused)
        {
            IEnumerable<int> all = Enumerable.Range(0, experts);
            m.Fuse(p + "experts.wi", [experts, f, h], [.. all.Select(e => $"{p}experts.{e}.wi.weight")]);
            m.Fuse(p + "experts.wo", [experts, h, f], [.. all.Select(e => $"{p}experts.{e}.wo.weight")]);
        }
    }

    private static void Network(TinyModel m, string p, int h, int f)
    {
        m.Matrix(p + "gate_proj.weight", f, h);
        m.Matrix(p + "up_proj.weight", f, h);
        m.Matrix(p + "down_proj.weight", h, f);
    }
}
