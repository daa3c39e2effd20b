using System.Numerics;
using System.Numerics.Tensors;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Attention of one row over a cache in host memory: what every sequence that generates does in each layer of each step. libtorch takes a
/// dozen calls for it, which cost more than the arithmetic while contexts are short, and it has no call for many caches of different
/// lengths. Float32; each head's sums are taken in one order, whatever else is in the step.
/// </summary>
internal static unsafe class RowAttention
{
    /// <summary>Up to so many products (heads × keys × width) this is used; beyond, libtorch's matrix products have the better kernels.</summary>
    public const long MostProducts = 1 << 18;

    [ThreadStatic]
    private static float[]? _scratch;

    /// <summary>Computes the row.</summary>
    /// <param name="query">Scaled queries, [kvHeads·group, width].</param>
    /// <param name="keys">First visible key of the first head; rows of a head lie together.</param>
    /// <param name="values">The same of the values.</param>
    /// <param name="headStride">Elements from one head's rows to the next one's.</param>
    /// <param name="shape">Heads and widths.</param>
    /// <param name="count">Visible keys, at least 1.</param>
    /// <param name="sinks">One more score per query head that takes weight and gives nothing; empty for none.</param>
    /// <param name="output">Receives [kvHeads·group, width].</param>
    public static void Compute(
        float* query, float* keys, float* values, long headStride, RowShape shape, int count, ReadOnlySpan<float> sinks, float* output)
    {
        if (_scratch is null || _scratch.Length < count)
        {
            _scratch = GC.AllocateUninitializedArray<float>(Math.Max(count, 1024));
        }

        Span<float> scores = _scratch.AsSpan(0, count);
        for (int head = 0; head < shape.KvHeads * shape.Group; head++)
        {
            long offset = head / shape.Group * headStride;
            Score(query + (head * shape.Width), keys + offset, shape.Width, scores);
            Softmax(scores, sinks.IsEmpty ? float.NegativeInfinity : sinks[head]);
            Sum(scores, values + offset, shape.Width, output + (head * shape.Width));
        }
    }

    private static void Softmax(Span<float> scores, float sink)
    {
        float most = Math.Max(TensorPrimitives.Max(scores), sink);
        TensorPrimitives.Subtract(scores, most, scores);
        TensorPrimitives.Exp(scores, scores);
        TensorPrimitives.Divide(scores, TensorPrimitives.Sum<float>(scores) + MathF.Exp(sink - most), scores);
    }

    /// <summary>Products of a query with every key, four keys at a time: one alone would wait for its own additions.</summary>
    private static void Score(float* query, float* keys, int width, Span<float> scores)
    {
        int whole = width - (width % Vector<float>.Count);
        int key = 0;
        for (; key + 4 <= scores.Length; key += 4)
        {
            float* row = keys + ((long)key * width);
            Vector<float> a = default, b = default, c = default, d = default;
            for (int i = 0; i < whole; i += Vector<float>.Count)
            {
                Vector<float> q = Vector.Load(query + i);
                a = Vector.FusedMultiplyAdd(q, Vector.Load(row + i), a);
                b = Vector.FusedMultiplyAdd(q, Vector.Load(row + width + i), b);
                c = Vector.FusedMultiplyAdd(q, Vector.Load(row + (2 * width) + i), c);
                d = Vector.FusedMultiplyAdd(q, Vector.Load(row + (3 * width) + i), d);
            }

            scores[key] = Vector.Sum(a) + Rest(query, row, whole, width);
            scores[key + 1] = Vector.Sum(b) + Rest(query, row + width, whole, width);
            scores[key + 2] = Vector.Sum(c) + Rest(query, row + (2 * width), whole, width);
            scores[key + 3] = Vector.Sum(d) + Rest(query, row + (3 * width), whole, width);
        }

        for (; key < scores.Length; key++)
        {
            float* row = keys + ((long)key * width);
            Vector<float> a = default;
            for (int i = 0; i < whole; i += Vector<float>.Count)
            {
                a = Vector.FusedMultiplyAdd(Vector.Load(query + i), Vector.Load(row + i), a);
            }

            scores[key] = Vector.Sum(a) + Rest(query, row, whole, width);
        }
    }

    private static float Rest(float* query, float* row, int from, int width)
    {
        float sum = 0;
        for (int i = from; i < width; i++)
        {
            sum += query[i] * row[i];
        }

        return sum;
    }

    /// <summary>The values' weighted sum, up to four vectors of it at a time in registers.</summary>
    private static void Sum(ReadOnlySpan<float> weights, float* values, int width, float* output)
    {
        int column = 0;
        for (; column + (4 * Vector<float>.Count) <= width; column += 4 * Vector<float>.Count)
        {
            Vector<float> a = default, b = default, c = default, d = default;
            float* row = values + column;
            foreach (float weight in weights)
            {
                var factor = new Vector<float>(weight);
                a = Vector.FusedMultiplyAdd(factor, Vector.Load(row), a);
                b = Vector.FusedMultiplyAdd(factor, Vector.Load(row + Vector<float>.Count), b);
                c = Vector.FusedMultiplyAdd(factor, Vector.Load(row + (2 * Vector<float>.Count)), c);
                d = Vector.FusedMultiplyAdd(factor, Vector.Load(row + (3 * Vector<float>.Count)), d);
                row += width;
            }

            a.Store(output + column);
            b.Store(output + column + Vector<float>.Count);
            c.Store(output + column + (2 * Vector<float>.Count));
            d.Store(output + column + (3 * Vector<float>.Count));
        }

        for (; column + Vector<float>.Count <= width; column += Vector<float>.Count)
        {
            Vector<float> sum = default;
            float* row = values + column;
            foreach (float weight in weights)
            {
                sum = Vector.FusedMultiplyAdd(new Vector<float>(weight), Vector.Load(row), sum);
                row += width;
            }

            sum.Store(output + column);
        }

        for (; column < width; column++)
        {
            float sum = 0;
            for (int key = 0; key < weights.Length; key++)
            {
                sum += weights[key] * values[((long)key * width) + column];
            }

            output[column] = sum;
        }
    }
}
