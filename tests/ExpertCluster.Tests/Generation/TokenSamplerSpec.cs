using CsCheck;
using ExpertCluster.Models.Generation;

namespace ExpertCluster.Tests.Generation;

public sealed class TokenSamplerSpec
{
    private static readonly Gen<float[]> Logits = Gen.OneOf(
        Gen.Float[-8, 8].Array[1, 200],
        Gen.Int[-3, 3].Select(value => (float)value).Array[1, 60],
        Gen.OneOf(Gen.Float[-2, 2], Gen.Const(float.NegativeInfinity)).Array[0, 30].Select(all => all.Append(0f).ToArray()));

    [Fact]
    public void Greedy_takes_the_highest_logit_and_the_lowest_id_among_equals()
    {
        TokenSampler.Sample([1, 3, 2, 3], new SamplingOptions(), 0).Should().Be(1);
        TokenSampler.Sample([-0f, 0f], new SamplingOptions(), 0).Should().Be(0);
        TokenSampler.Sample([float.NegativeInfinity, -1e30f], new SamplingOptions(), 0).Should().Be(1);
    }

    [Fact]
    public void Top_k_of_one_and_tiny_top_p_are_greedy() => Gen.Select(Logits, Gen.Long, Gen.Long[0, 1 << 20]).Sample((logits, seed, position) =>
    {
        int greedy = TokenSampler.Sample(logits, new SamplingOptions(), position);
        return TokenSampler.Sample(logits, new SamplingOptions { Temperature = 1, TopK = 1, Seed = seed }, position) == greedy
            && TokenSampler.Sample(logits, new SamplingOptions { Temperature = 1, TopP = 1e-6f, Seed = seed }, position) == greedy
            && TokenSampler.Sample(logits, new SamplingOptions { Temperature = 1, TopK = 5, TopP = 1e-6f, Seed = seed }, position) == greedy;
    });

    [Fact]
    public void Draws_stay_in_the_smallest_set_and_reach_all_of_it() => Gen.Select(Logits, Gen.Int[0, 20], Gen.Float[0.05f, 1f], Gen.Float[0.3f, 2f])
        .Sample((logits, topK, topP, temperature) =>
        {
            var options = new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, Seed = 7 };
            var (must, may) = Nucleus(logits, options);
            var drawn = Enumerable.Range(0, 400).Select(position => TokenSampler.Sample(logits, options, position)).ToHashSet();
            drawn.Should().BeSubsetOf(may.Keys);
            must.Where(pair => pair.Value > 0.05).Select(pair => pair.Key).Should().BeSubsetOf(drawn);
        }, iter: 300);

    [Theory]
    [InlineData(0, 1f)]
    [InlineData(3, 1f)]
    [InlineData(0, 0.8f)]
    [InlineData(4, 0.9f)]
    public void Frequencies_match_probabilities(int topK, float topP)
    {
        float[] logits = [0.5f, 2f, -1f, 1f, 0f, 1.5f, -3f];
        var options = new SamplingOptions { Temperature = 0.9f, TopK = topK, TopP = topP, Seed = 1234 };
        var counts = new int[logits.Length];
        const int draws = 200_000;
        for (int position = 0; position < draws; position++) counts[TokenSampler.Sample(logits, options, position)]++;
        var expected = Nucleus(logits, options).Must;
        for (int id = 0; id < logits.Length; id++)
            ((double)counts[id] / draws).Should().BeApproximately(expected.GetValueOrDefault(id), 0.005);
    }

    [Fact]
    public void Equal_seed_and_position_draw_equal_tokens_and_others_do_not()
    {
        var logits = new float[1000];
        int At(long seed, long position) => TokenSampler.Sample(logits, new SamplingOptions { Temperature = 1, Seed = seed }, position);
        At(5, 17).Should().Be(At(5, 17));
        Enumerable.Range(0, 100).Select(position => At(5, position)).Distinct().Count().Should().BeGreaterThan(80);
        Enumerable.Range(0, 100).Select(seed => At(seed, 3)).Distinct().Count().Should().BeGreaterThan(80);
    }

    [Fact]
    public void The_hash_is_the_documented_one()
    {
        // SplitMix64 of state 0 is mix(0) = 0 here, so position 0 of seed 0 is its published first output.
        CounterRandom.Bits(0, 0).Should().Be(0xE220A8397B1DCDAF);
        CounterRandom.Bits(0, 1).Should().Be(0x6E789E6AA1B965F4);
    }

    [Fact]
    public void Logits_that_are_no_numbers_are_an_error_that_names_the_token()
    {
        foreach (var options in new[] { new SamplingOptions(), new SamplingOptions { Temperature = 1, TopK = 2 } })
        {
            FluentActions.Invoking(() => TokenSampler.Sample([0, 1, float.NaN], options, 9)).Should().Throw<InvalidLogitsException>()
                .WithMessage("The logit of token 2 at position 9 is NaN*");
            FluentActions.Invoking(() => TokenSampler.Sample([0, float.PositiveInfinity], options, 9)).Should().Throw<InvalidLogitsException>();
            FluentActions.Invoking(() => TokenSampler.Sample([float.NegativeInfinity], options, 9)).Should().Throw<InvalidLogitsException>();
            FluentActions.Invoking(() => TokenSampler.Sample([], options, 9)).Should().Throw<ArgumentException>();
        }
    }

    [Fact]
    public void Large_vocabularies_are_sampled_from_pooled_buffers()
    {
        var random = new Random(3);
        var logits = new float[150_000];
        for (int id = 0; id < logits.Length; id++) logits[id] = (float)(random.NextDouble() * 20 - 10);
        foreach (var options in new[]
        {
            new SamplingOptions(),
            new SamplingOptions { Temperature = 1 },
            new SamplingOptions { Temperature = 1, TopK = 50 },
            new SamplingOptions { Temperature = 1, TopP = 0.95f },
            new SamplingOptions { Temperature = 1, TopK = 50, TopP = 0.95f },
        })
        {
            for (int i = 0; i < 30; i++) TokenSampler.Sample(logits, options, i);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 50; i++) TokenSampler.Sample(logits, options, i);
            (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(4096);
        }
    }

    // By full sort, in double. Must: in the set beyond doubt; May: in it if rounding at its border falls that way.
    private static (Dictionary<int, double> Must, Dictionary<int, double> May) Nucleus(float[] logits, SamplingOptions options)
    {
        var order = Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id).ToList();
        if (options.TopK > 0) order = [.. order.Take(options.TopK)];
        double max = logits.Max(), total = order.Sum(id => Math.Exp((logits[id] - max) / options.Temperature));
        Dictionary<int, double> must = [], may = [];
        double sum = 0;
        foreach (int id in order)
        {
            double probability = Math.Exp((logits[id] - max) / options.Temperature) / total;
            if (sum < options.TopP + 1e-5) may[id] = probability;
            if (sum < options.TopP - 1e-5) must[id] = probability;
            sum += probability;
        }

        double mustTotal = must.Values.Sum();
        return (must.ToDictionary(pair => pair.Key, pair => pair.Value / mustTotal), may);
    }
}
