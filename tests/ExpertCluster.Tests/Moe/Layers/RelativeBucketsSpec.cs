using CsCheck;
using ExpertCluster.Moe.Layers;
using ExpertCluster.Tensors;
using ExpertCluster.Tests.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Layers;

public sealed class RelativeBucketsSpec
{
    [Fact]
    public void Looking_back_the_first_half_is_single_distances_and_the_rest_widens()
    {
        int[] borders = [.. Enumerable.Range(1, 200).Where(d => Back(d) != Back(d - 1))];
        borders.Should().Equal([.. Enumerable.Range(1, 16), 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113]);
        Back(-5).Should().Be(0, "what comes later is masked anyway");
        Back(127).Should().Be(31);
        Back(int.MaxValue).Should().Be(31);

        static int Back(int distance) => RelativeBuckets.Unidirectional(distance, 32, 128);
    }

    [Fact]
    public void Looking_both_ways_each_direction_has_half_of_the_buckets()
    {
        int[] borders = [.. Enumerable.Range(1, 200).Where(d => Both(-d) != Both(1 - d))];
        borders.Should().Equal([.. Enumerable.Range(1, 8), 12, 16, 23, 32, 46, 64, 91]);
        Both(1).Should().Be(17);
        Assert.All(Enumerable.Range(1, 300), d => Assert.Equal(Both(-d) + 16, Both(d)));
        Both(int.MinValue).Should().Be(15);
        Both(int.MaxValue).Should().Be(31);

        static int Both(int offset) => RelativeBuckets.Bidirectional(offset, 32, 128);
    }

    [Theory]
    [InlineData(32, 128)]
    [InlineData(32, 256)]
    [InlineData(8, 20)]
    [InlineData(64, 1000)]
    [InlineData(4, 3)]
    public void Both_rules_equal_the_same_arithmetic_on_float32_tensors(int buckets, int largest)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        const int Span = 3000;
        int[] back = Tensors(arange(Span), buckets);
        int[] half = Tensors(arange(Span), buckets / 2);
        for (int d = 0; d < Span; d++)
        {
            Assert.Equal(back[d], RelativeBuckets.Unidirectional(d, buckets, largest));
            Assert.Equal(half[d], RelativeBuckets.Bidirectional(-d, buckets, largest));
            Assert.Equal(d == 0 ? 0 : half[d] + (buckets / 2), RelativeBuckets.Bidirectional(d, buckets, largest));
        }

        int[] Tensors(Tensor distance, int n)
        {
            int exact = n / 2;
            Tensor far = exact + (((distance.to(ScalarType.Float32) / exact).log() / Math.Log((double)largest / exact)) * (n - exact)).to(ScalarType.Int64);
            return [.. where(distance < exact, distance, far.clamp_max(n - 1)).Values<long>().Select(b => (int)b)];
        }
    }

    [Fact]
    public void Buckets_rise_with_distance_and_stay_in_range() =>
        Gen.Select(Gen.Int[2, 40], Gen.Int[1, 500], Gen.Int[0, 2000], Gen.Int[0, 2000]).Sample((half, beyond, a, b) =>
        {
            (int buckets, int largest) = (half * 2, half + beyond);
            int near = RelativeBuckets.Unidirectional(Math.Min(a, b), buckets, largest);
            int far = RelativeBuckets.Unidirectional(Math.Max(a, b), buckets, largest);
            Assert.InRange(near, 0, far);
            Assert.InRange(far, near, buckets - 1);
            Assert.InRange(RelativeBuckets.Bidirectional(-a, buckets, largest), 0, half - 1);
            Assert.True(a == 0 || RelativeBuckets.Bidirectional(a, buckets, largest) >= half);
        });

    [Theory]
    [InlineData(1, 128)]
    [InlineData(32, 16)]
    public void Bad_sizes_looking_back_are_refused(int buckets, int largest) =>
        ((Action)(() => RelativeBuckets.Unidirectional(0, buckets, largest))).Should().Throw<ArgumentOutOfRangeException>();

    [Theory]
    [InlineData(2, 128)]
    [InlineData(33, 128)]
    [InlineData(32, 8)]
    public void Bad_sizes_looking_both_ways_are_refused(int buckets, int largest) =>
        ((Action)(() => RelativeBuckets.Bidirectional(0, buckets, largest))).Should().Throw<ArgumentOutOfRangeException>();
}
