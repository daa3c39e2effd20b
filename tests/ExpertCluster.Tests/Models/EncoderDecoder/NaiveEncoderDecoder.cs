using ExpertCluster.Tests.Models.Families;

namespace ExpertCluster.Tests.Models.EncoderDecoder;

/// <summary>Encoder–decoders in float64 with plain loops: another way to the same numbers, no libtorch and no cache.</summary>
internal sealed class NaiveEncoderDecoder(TinyModel m)
{
    private bool IsT5 => TinyEncoderDecoders.IsT5(m);

    private int Hidden => m.Int("d_model");

    /// <summary>Logits of every target position, [S',V].</summary>
    public float[] Logits(int[] source, int[] target)
    {
        double[][] encoded = Stack("encoder", Embed(source), null);
        double[][] decoded = Stack("decoder", Embed(target), encoded);
        string shared = IsT5 ? "shared" : "model.shared";
        bool tied = m.Flag("tie_word_embeddings", true);
        double scale = IsT5 && tied ? 1 / Math.Sqrt(Hidden) : 1;
        return [.. decoded.SelectMany(row => Product(W((tied ? shared : "lm_head") + ".weight"), [.. row.Select(v => v * scale)], null)).Select(v => (float)v)];
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[] Softmax(double[] x) => [.. x.Select(v => Math.Exp(v - x.Max()) / x.Sum(u => Math.Exp(u - x.Max())))];

    private static double[] Product(double[] w, double[] x, double[]? bias)
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

    private double[] Norm(string name, double[] x)
    {
        double[] weight = W(name + ".weight");
        if (IsT5)
        {
            double scale = 1 / Math.Sqrt((x.Sum(v => v * v) / x.Length) + (m.Config["layer_norm_epsilon"]?.GetValue<double>() ?? 1e-6));
            return [.. x.Select((v, i) => v * scale * weight[i])];
        }

        double mean = x.Average();
        double deviation = Math.Sqrt((x.Sum(v => (v - mean) * (v - mean)) / x.Length) + 1e-5);
        return [.. x.Select((v, i) => ((v - mean) / deviation * weight[i]) + W(name + ".bias")[i])];
    }

    private double[][] Embed(int[] ids)
    {
        double[] table = W(IsT5 ? "shared.weight" : "model.shared.weight");
        double scale = !IsT5 && m.Flag("scale_embedding", true) ? Math.Sqrt(Hidden) : 1;
        int padding = m.Int("pad_token_id", 1);
        int counted = 0;
        return [.. ids.Select(id =>
        {
            double[] row = [.. table[(id * Hidden)..((id + 1) * Hidden)].Select(v => v * scale)];
            return IsT5 || id == padding ? row : Add(row, Position(padding + ++counted));
        })];
    }

    private double[] Position(int position)
    {
        int half = Hidden / 2;
        var row = new double[Hidden];
        for (int i = 0; i < half; i++)
        {
            double angle = position * Math.Pow(10000, -(double)i / (half - 1));
            row[i] = Math.Sin(angle);
            row[half + i] = Math.Cos(angle);
        }

        return row;
    }

    private double[][] Stack(string stack, double[][] x, double[][]? encoded)
    {
        for (int layer = 0; layer < TinyEncoderDecoders.Layers(m, stack); layer++)
        {
            var names = TinyEncoderDecoders.Names(m, stack, layer);
            double[][] normed = [.. x.Select(row => Norm(names.SelfNorm, row))];
            double[][] attended = Attend(names.Self, stack, normed, normed, causal: encoded is not null, biased: IsT5);
            x = [.. x.Zip(attended, Add)];
            if (encoded is not null)
            {
                normed = [.. x.Select(row => Norm(names.CrossNorm, row))];
                attended = Attend(names.Cross, stack, normed, encoded, causal: false, biased: false);
                x = [.. x.Zip(attended, Add)];
            }

            bool sparse = TinyEncoderDecoders.IsSparse(m, stack, layer);
            x = [.. x.Select(row =>
            {
                double[] rows = Norm(names.NetworkNorm, row);
                return Add(row, sparse ? Moe(names.Network, rows) : Network(names.Network, rows));
            })];
        }

        return [.. x.Select(row => Norm(IsT5 ? stack + ".final_layer_norm" : $"model.{stack}.layer_norm", row))];
    }

    private double[][] Attend(string prefix, string stack, double[][] from, double[][] over, bool causal, bool biased)
    {
        string[] names = TinyEncoderDecoders.Projections(m);
        int heads = TinyEncoderDecoders.Heads(m, stack);
        double[][] q = [.. from.Select(r => Linear(prefix + names[0], r))];
        double[][] k = [.. over.Select(r => Linear(prefix + names[1], r))];
        double[][] v = [.. over.Select(r => Linear(prefix + names[2], r))];
        int d = q[0].Length / heads;
        double scale = IsT5 ? 1 : 1 / Math.Sqrt(d);
        return [.. Enumerable.Range(0, from.Length).Select(t =>
        {
            var all = new double[heads * d];
            for (int h = 0; h < heads; h++)
            {
                int keys = causal ? t + 1 : over.Length;
                double[] weights = Softmax([.. Enumerable.Range(0, keys).Select(s =>
                    (Enumerable.Range(h * d, d).Sum(i => q[t][i] * k[s][i]) * scale) + (biased ? Bias(stack, s - t, h, heads) : 0))]);
                for (int i = h * d; i < (h + 1) * d; i++)
                {
                    all[i] = weights.Select((w, s) => w * v[s][i]).Sum();
                }
            }

            return Linear(prefix + names[3], all);
        })];
    }

    private double Bias(string stack, int offset, int head, int heads)
    {
        int buckets = m.Int("relative_attention_num_buckets", 32);
        int largest = m.Int("relative_attention_max_distance", 128);
        int start = 0;
        int distance = -offset;
        if (stack == "encoder")
        {
            buckets /= 2;
            start = offset > 0 ? buckets : 0;
            distance = Math.Abs(offset);
        }

        int exact = buckets / 2;
        int bucket = distance < exact
            ? distance
            : Math.Min(buckets - 1, exact + (int)((Math.Log((double)distance / exact) / Math.Log((double)largest / exact) * (buckets - exact)) + 1e-6));
        return W($"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight")[((start + bucket) * heads) + head];
    }

    private double[] Moe(string prefix, double[] row)
    {
        double[] p = Softmax(Linear(prefix + "router.classifier", row));
        int k = IsT5 ? 1 : 2;
        int[] chosen = [.. Enumerable.Range(0, p.Length).OrderByDescending(e => p[e]).Take(k)];
        double sum = IsT5 ? 1 : chosen.Sum(e => p[e]);
        double kept = IsT5 ? 1 : 1 - (m.Config["moe_token_dropout"]?.GetValue<double>() ?? 0.2);
        double[] output = new double[Hidden];
        foreach (int expert in chosen)
        {
            output = Add(output, [.. Network($"{prefix}experts.expert_{expert}.", row).Select(v => v * p[expert] / sum * kept)]);
        }

        return output;
    }

    private double[] Network(string prefix, double[] row)
    {
        (string first, string second) = TinyEncoderDecoders.Matrices(m);
        string activation = m.Config[IsT5 ? "dense_act_fn" : "activation_function"]?.ToString() ?? "relu";
        return Linear(prefix + second, [.. Linear(prefix + first, row).Select(v => activation switch
        {
            "relu" => Math.Max(v, 0),
            "silu" => v / (1 + Math.Exp(-v)),
            "gelu_new" => v / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + (0.044715 * v * v * v)))),
            _ => throw new NotSupportedException(activation),
        })]);
    }
}
