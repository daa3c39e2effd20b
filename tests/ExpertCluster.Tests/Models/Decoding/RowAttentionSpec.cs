using CsCheck;
using ExpertCluster.Models.Decoding;

namespace ExpertCluster.Tests.Models.Decoding;

public class RowAttentionSpec
{
    private static readonly Gen<(RowShape Shape, int Keys, int Room, bool Sinks, int Seed)> Cases = Gen.Select(
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 70]), Gen.Int[1, 90], Gen.Int[0, 5], Gen.Bool, Gen.Int,
        (s, keys, room, sinks, seed) => (new RowShape(s.Item1, s.Item2, s.Item3), keys, room, sinks, seed));

    [Fact]
    public void Equals_float64_attention_for_any_shape() => Cases.Sample(c =>
    {
        var random = new Random(c.Seed);
        var (shape, heads) = (c.Shape, c.Shape.KvHeads * c.Shape.Group);
        var stride = (c.Keys + c.Room) * shape.Width;
        float[] query = Numbers(random, heads * shape.Width);
        float[] keys = Numbers(random, shape.KvHeads * stride);
        float[] values = Numbers(random, shape.KvHeads * stride);
        float[] sinks = c.Sinks ? Numbers(random, heads) : [];
        var output = new float[query.Length];

        Compute(query, keys, values, stride, shape, c.Keys, sinks, output);

        for (var head = 0; head < heads; head++)
        {
            double[] expected = Expected(
                query.AsSpan(head * shape.Width, shape.Width), keys.AsSpan(head / shape.Group * stride), values.AsSpan(head / shape.Group * stride),
                c.Keys, c.Sinks ? sinks[head] : null);
            for (var i = 0; i < shape.Width; i++)
            {
                ((double)output[(head * shape.Width) + i]).Should().BeApproximately(expected[i], 2e-5);
            }
        }
    });

    [Fact]
    public void Survives_scores_whose_exponentials_overflow()
    {
        var output = new float[1];

        Compute([200], [200, 1], [3, 5], 2, new RowShape(1, 1, 1), 2, [], output);

        output[0].Should().Be(3);
    }

    private static unsafe void Compute(
        float[] query, float[] keys, float[] values, long stride, RowShape shape, int count, float[] sinks, float[] output)
    {
        fixed (float* q = query, k = keys, v = values, o = output)
        {
            RowAttention.Compute(q, k, v, stride, shape, count, sinks, o);
        }
    }

    private static double[] Expected(ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int count, double? sink)
    {
        var weights = new double[count];
        for (var key = 0; key < count; key++)
        {
            for (var i = 0; i < query.Length; i++)
            {
                weights[key] += (double)query[i] * keys[(key * query.Length) + i];
            }
        }

        var most = Math.Max(weights.Max(), sink ?? double.NegativeInfinity);
        var total = weights.Sum(w => Math.Exp(w - most)) + (sink is { } s ? Math.Exp(s - most) : 0);
        var sum = new double[query.Length];
        for (var key = 0; key < count; key++)
        {
            for (var i = 0; i < query.Length; i++)
            {
                sum[i] += Math.Exp(weights[key] - most) / total * values[(key * query.Length) + i];
            }
        }

        return sum;
    }

    private static float[] Numbers(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1))];
}
