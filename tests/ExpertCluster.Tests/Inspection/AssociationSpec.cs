using CsCheck;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Tests.Inspection;

public sealed class AssociationSpec
{
    [Fact]
    public void A_label_that_decides_the_expert_tells_the_experts_entropy()
    {
        Association found = Measure([0, 0, 1, 1], [2, 2, 0, 0], 1, 3);
        found.Information.Bits.Should().BeApproximately(1, 1e-12);
        found.Bits(0).Should().Be(0);
        found.Bits(1).Should().Be(0, "an expert without tokens has nothing to tell");
    }

    [Fact]
    public void A_small_case_agrees_with_a_calculation_by_hand()
    {
        // Label 0 three times with experts 0, 0, 1; label 1 once with expert 1:
        // 1/2 log₂(2·4/(3·2)) + 1/4 log₂(1·4/(3·2)) + 1/4 log₂(1·4/(1·2)).
        Association found = Measure([0, 0, 0, 1], [0, 0, 1, 1], 1, 2);
        found.Information.Bits.Should().BeApproximately(0.5 * Math.Log2(8 / 6.0) + 0.25 * Math.Log2(4 / 6.0) + 0.25, 1e-12);
        found.Bits(0).Should().Be(0);
        found.Bits(1).Should().BeApproximately(1, 1e-12);

        // Label 1 falls on either expert alike, so every order of the choices gives the same information.
        found.Information.ByChance.Should().BeApproximately(found.Information.Bits, 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Chance_is_the_mean_over_all_orders_of_the_tokens_choices(int topK)
    {
        int[] labels = [0, 0, 1, 1, 2, 0, 1];
        ushort[][] choices = [[0, 1], [1, 0], [2, 0], [0, 1], [2, 1], [0, 2], [0, 1]];
        double sum = 0;
        int orders = 0;
        foreach (int[] order in Orders(labels.Length))
        {
            orders++;
            sum += Measure(labels, [.. order.SelectMany(i => choices[i].Take(topK))], topK, 3).Information.Bits;
        }

        Measure(labels, [.. choices.SelectMany(c => c.Take(topK))], topK, 3).Information.ByChance.Should().BeApproximately(sum / orders, 1e-9);
    }

    [Fact]
    public void It_is_never_negative_nor_more_than_either_side_holds() => Traces.Any.Sample(trace =>
    {
        Information found = Tokens(trace).Information;
        found.Bits.Should().BeGreaterThanOrEqualTo(0);
        found.Bits.Should().BeLessThanOrEqualTo(Math.Min(Math.Log2(7), Math.Log2(trace.Experts)) + 1e-9);
        found.ByChance.Should().BeInRange(0, Math.Log2(trace.Experts) + 1e-9);
    });

    [Fact]
    public void Where_every_expert_takes_every_token_there_is_nothing_to_tell() => Gen.Int.Sample(seed =>
    {
        Information found = Tokens(Traces.Random(new Random(seed), 4, 4, 1, [20], 5)).Information;
        found.Bits.Should().BeApproximately(0, 1e-9);
        found.ByChance.Should().BeApproximately(0, 1e-9);
    });

    [Fact]
    public void Independent_choices_seem_to_tell_something_and_chance_takes_it_away()
    {
        var random = new Random(20240108);
        double[] excess = [.. Enumerable.Range(0, 40).Select(_ => Tokens(Traces.Random(random, 8, 2, 1, [400], 100)).Information)
            .Select(found =>
            {
                found.Bits.Should().BeGreaterThan(0.3, "with 50 labels to 100 observations the sample lies");
                return found.Excess;
            })];

        double mean = excess.Average();
        double error = Math.Sqrt(excess.Sum(x => (x - mean) * (x - mean)) / 39 / 40);
        Math.Abs(mean).Should().BeLessThan(4 * error);
        error.Should().BeLessThan(0.01);
    }

    private static Association Tokens(RoutingTrace trace) => Measure(trace.Tokens, trace.Choices(0), trace.TopK, trace.Experts);

    private static Association Measure(ReadOnlySpan<int> labels, ReadOnlySpan<ushort> choices, int topK, int experts) =>
        Association.Measure(Grouping.Of(labels, 200), choices, topK, experts);

    private static IEnumerable<int[]> Orders(int count) => count == 0
        ? [[]]
        : Orders(count - 1).SelectMany(shorter => Enumerable.Range(0, count).Select(at => (int[])[.. shorter[..at], count - 1, .. shorter[at..]]));
}
