using System.Numerics;
using ExpertCluster.Tests.Moe;

namespace ExpertCluster.Tests.Models.Families;

/// <summary>Decoder families token by token in float64 with plain loops: another way to the same numbers, no libtorch.</summary>
internal sealed class NaiveDecoder(TinyModel m)
{
    private readonly string _family = m.Config["model_type"]!.ToString();
    private readonly NaiveRope _rope = new(m);

    private int Hidden => m.Int("hidden_size");

    private int Heads => m.Int("num_attention_heads");

    public static int Experts(TinyModel m) => m.Int("num_experts", m.Int("n_routed_experts", m.Int("num_local_experts")));

    public static bool IsMoe(TinyModel m, int layer) =>
        m.Config["mlp_only_layers"]?.AsArray().Any(l => l!.GetValue<int>() == layer) != true
        && (layer + 1) % m.Int("decoder_sparse_step", 1) == 0
        && (layer + 1) % m.Int("moe_every", m.Config["model_type"]!.ToString() == "glam" ? 2 : 1) == 0
        && layer >= m.Int("first_k_dense_replace");

    public float[] Logits(int[] ids)
    {
        double[][] x = [.. ids.Select(id => W("model.embed_tokens.weight")[(id * Hidden)..((id + 1) * Hidden)])];
        double eps = m.Config["rms_norm_eps"]?.GetValue<double>() ?? (_family is "olmoe" or "gpt_oss" ? 1e-5 : 1e-6);
        for (int layer = 0; layer < m.Int("num_hidden_layers"); layer++)
        {
            string p = $"model.layers.{layer}.";
            double[][] normed = [.. x.Select(r => Norm(r, W(p + "input_layernorm.weight"), eps))];
            double[][] attended = m.Config.ContainsKey("kv_lora_rank") ? Latent(normed, p + "self_attn.", layer) : Grouped(normed, p + "self_attn.", layer, eps);
            for (int t = 0; t < x.Length; t++)
            {
                x[t] = Add(x[t], Linear(p + "self_attn.o_proj", attended[t]));
                double[] row = Norm(x[t], W(p + "post_attention_layernorm.weight"), eps);
                x[t] = Add(x[t], IsMoe(m, layer) ? Moe(row, p + "mlp.") : Network(row, p + "mlp."));
            }
        }

        return [.. x.SelectMany(r => Linear(m.Flag("tie_word_embeddings") ? "model.embed_tokens" : "lm_head", Norm(r, W("model.norm.weight"), eps))).Select(v => (float)v)];
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[] Norm(double[] x, double[] weight, double eps)
    {
        double scale = 1 / Math.Sqrt((x.Sum(v => v * v) / x.Length) + eps);
        return [.. x.Select((v, i) => v * scale * weight[i % weight.Length])];
    }

    private static double[] Softmax(double[] x)
    {
        double most = x.Max();
        double sum = x.Sum(u => Math.Exp(u - most));
        return [.. x.Select(v => Math.Exp(v - most) / sum)];
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double[] Product(double[] w, double[] x, double[]? bias = null)
    {
        var y = new double[w.Length / x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            for (int j = 0; j < x.Length; j++)
            {
                y[i] += w[(i * x.Length) + j] * x[j];
            }

            y[i] += bias?[i] ?? 0;
        }

        return y;
    }

    private double[] W(string name) => m.Weights[name];

    private double[] Linear(string name, double[] x) => Product(W(name + ".weight"), x, m.Weights.GetValueOrDefault(name + ".bias"));

    private double[][] Grouped(double[][] x, string p, int layer, double eps)
    {
        int d = m.Int("head_dim", Hidden / Heads);
        int group = Heads / m.Int("num_key_value_heads", Heads);
        double clip = m.Config["clip_qkv"]?.GetValue<double>() ?? double.PositiveInfinity;
        int[]? buckets = _family == "glam" ? [.. Enumerable.Range(0, x.Length).Select(Bucket)] : null;
        double[][] q = [.. x.Select((r, t) => Rotated(Made(r, "q"), t))];
        double[][] k = [.. x.Select((r, t) => Rotated(Made(r, "k"), t))];
        double[][] v = [.. x.Select(r => Made(r, "v"))];
        return Attend(
            x.Length, layer, d, (t, h) => q[t][(h * d)..((h + 1) * d)], (t, h) => k[t][(h / group * d)..(((h / group) + 1) * d)],
            (t, h) => v[t][(h / group * d)..(((h / group) + 1) * d)], 1 / Math.Sqrt(d), m.Weights.GetValueOrDefault(p + "sinks"),
            _family == "glam" ? (distance, h) => W(p + "relative_attention_bias.weight")[(buckets![distance] * Heads) + h] : null);

        double[] Made(double[] row, string name)
        {
            double[] all = Linear($"{p}{name}_proj", row);
            if (m.Weights.TryGetValue($"{p}{name}_norm.weight", out double[]? weight))
            {
                all = weight.Length == all.Length ? Norm(all, weight, eps) : [.. all.Chunk(d).SelectMany(head => Norm(head, weight, eps))];
            }

            return [.. all.Select(a => Math.Clamp(a, -clip, clip))];
        }

        double[] Rotated(double[] all, int t) => _family == "glam" ? all : [.. all.Chunk(d).SelectMany(head => _rope.Rotate(head, t, false))];
    }

    private double[][] Latent(double[][] x, string p, int layer)
    {
        int rope = m.Int("qk_rope_head_dim");
        int nope = m.Int("qk_nope_head_dim");
        int value = m.Int("v_head_dim");
        int rank = m.Int("kv_lora_rank");
        bool pairs = m.Flag("rope_interleave", true);
        double[][] q = [.. x.Select(r => m.Int("q_lora_rank") == 0
            ? Linear(p + "q_proj", r)
            : Linear(p + "q_b_proj", Norm(Linear(p + "q_a_proj", r), W(p + "q_a_layernorm.weight"), 1e-6)))];
        double[][] joint = [.. x.Select(r => Linear(p + "kv_a_proj_with_mqa", r))];
        double[][] up = [.. joint.Select(r => Linear(p + "kv_b_proj", Norm(r[..rank], W(p + "kv_a_layernorm.weight"), 1e-6)))];
        return Attend(
            x.Length,
            layer,
            value,
            (t, h) =>
            {
                double[] head = q[t][(h * (nope + rope))..((h + 1) * (nope + rope))];
                return [.. head[..nope], .. _rope.Rotate(head[nope..], t, pairs)];
            },
            (t, h) => [.. up[t][(h * (nope + value))..((h * (nope + value)) + nope)], .. _rope.Rotate(joint[t][rank..], t, pairs)],
            (t, h) => up[t][((h * (nope + value)) + nope)..((h + 1) * (nope + value))],
            _rope.ScoreFactor / Math.Sqrt(nope + rope),
            null);
    }

    private double[][] Attend(
        int length, int layer, int width, Func<int, int, double[]> query, Func<int, int, double[]> key, Func<int, int, double[]> value, double scale, double[]? sinks,
        Func<int, int, double>? bias = null)
    {
        int window = m.Config["layer_types"]?[layer]?.ToString() == "full_attention" ? length
            : _family == "gpt_oss" || m.Flag("use_sliding_window") ? m.Int("sliding_window") : length;
        var output = new double[length][];
        for (int t = 0; t < length; t++)
        {
            output[t] = new double[Heads * width];
            for (int h = 0; h < Heads; h++)
            {
                int from = Math.Max(0, t - window + 1);
                double[] q = query(t, h);
                double[] scores = [.. Enumerable.Range(from, t - from + 1).Select(s => q.Zip(key(s, h), (a, b) => a * b).Sum() * scale + (bias?.Invoke(t - s, h) ?? 0))];
                double[] weights = Softmax(sinks is null ? scores : [.. scores, sinks[h]]);
                for (int s = from; s <= t; s++)
                {
                    double[] v = value(s, h);
                    for (int i = 0; i < width; i++)
                    {
                        output[t][(h * width) + i] += weights[s - from] * v[i];
                    }
                }
            }
        }

        return output;
    }

    private double[] Network(double[] x, string p)
    {
        string activation = m.Config["hidden_act"]?.ToString() ?? (_family == "glam" ? "gelu" : "silu");
        double[] gate = Linear(p + "gate_proj", x);
        double[] up = Linear(p + "up_proj", x);
        return Linear(p + "down_proj", [.. gate.Zip(up, (g, u) => NaiveActivation.Of(activation, g) * u)]);
    }

    private double[] Moe(double[] x, string p)
    {
        var sum = new double[Hidden];
        double[] logits = Linear(p + (_family == "gpt_oss" ? "router" : "gate"), x);
        foreach ((int expert, double weight) in NaiveRouter.Choose(m, logits, m.Weights.GetValueOrDefault(p + "gate.e_score_correction_bias")))
        {
            double[] y = _family switch
            {
                "gpt_oss" => Clamped(x, p + "experts.", expert),
                "glam" => TwoLayers(x, $"{p}experts.{expert}."),
                _ => Network(x, $"{p}experts.{expert}."),
            };
            sum = Add(sum, [.. y.Select(v => v * weight)]);
        }

        if (m.Weights.TryGetValue(p + "shared_expert_gate.weight", out double[]? gate))
        {
            double share = Sigmoid(Product(gate, x)[0]);
            sum = Add(sum, [.. Network(x, p + "shared_expert.").Select(v => v * share)]);
        }

        return m.Int("n_shared_experts") > 0 ? Add(sum, Network(x, p + "shared_experts.")) : sum;
    }

    private double[] TwoLayers(double[] x, string p)
    {
        string activation = m.Config["expert_act"]?.ToString() ?? "relu";
        return Linear(p + "wo", [.. Linear(p + "wi", x).Select(v => NaiveActivation.Of(activation, v))]);
    }

    /// <summary>The last bucket whose border exact·(largest ÷ exact)^(n ÷ rest) is not beyond the distance, in whole numbers.</summary>
    private int Bucket(int distance)
    {
        int buckets = m.Int("relative_attention_num_buckets", 32);
        int largest = m.Int("relative_attention_max_distance", 128);
        int exact = buckets / 2;
        int rest = buckets - exact;
        return distance < exact ? distance : exact + Enumerable.Range(0, rest).Last(n =>
            BigInteger.Pow(distance, rest) * BigInteger.Pow(exact, n) >= BigInteger.Pow(exact, rest) * BigInteger.Pow(largest, n));
    }

    private double[] Clamped(double[] x, string p, int expert)
    {
        int f = m.Int("intermediate_size");
        double limit = m.Config["swiglu_limit"]?.GetValue<double>() ?? 7;
        double[] both = Product(Part("gate_up_proj", 2 * f, Hidden), x, W(p + "gate_up_proj_bias")[(expert * 2 * f)..((expert + 1) * 2 * f)]);
        var inner = new double[f];
        for (int i = 0; i < f; i++)
        {
            double gate = Math.Min(both[2 * i], limit);
            inner[i] = (Math.Clamp(both[(2 * i) + 1], -limit, limit) + 1) * gate * Sigmoid(1.702 * gate);
        }

        return Product(Part("down_proj", Hidden, f), inner, W(p + "down_proj_bias")[(expert * Hidden)..((expert + 1) * Hidden)]);

        double[] Part(string name, int rows, int columns)
        {
            double[] all = W(p + name)[(expert * rows * columns)..((expert + 1) * rows * columns)];
            return m.Config.ContainsKey("quantization_config")
                ? all
                : [.. Enumerable.Range(0, rows * columns).Select(i => all[(i % columns * rows) + (i / columns)])];
        }
    }
}
