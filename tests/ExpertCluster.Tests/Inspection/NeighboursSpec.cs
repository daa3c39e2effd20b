using CsCheck;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Tests.Inspection;

public sealed class NeighboursSpec
{
    [Fact]
    public void Constant_routing_agrees_always_and_so_does_chance()
    {
        NeighbourAgreement found = Count(Traces.Of(4, ([1, 2, 3, 4], [2, 2, 2, 2]))).Agreement;
        found.Should().Be(new NeighbourAgreement(3, 1, 1, 1, 1));
    }

    [Fact]
    public void Neighbours_are_counted_within_windows_only()
    {
        var trace = new RoutingTrace([0], 4, 2, 1);
        trace.Append(0, [5, 5, 5], [[0, 1, 0, 2, 3, 2]]);
        trace.Append(0, [5, 5], [[3, 0, 1, 2]]);
        Neighbours found = Count(trace);

        // First choices 0 0 3 | 3 1: one of three pairs agrees; experts 01 02 32 | 30 12: two of three share one.
        found.Agreement.Pairs.Should().Be(3);
        found.Agreement.First.Should().BeApproximately(1 / 3.0, 1e-12);
        found.Agreement.Any.Should().BeApproximately(2 / 3.0, 1e-12);

        // Any two of the five: first choices 0, 0, 3, 3, 1 agree in 2 of 10; of the sets only 01–32 and 30–12 have nothing in common.
        found.Agreement.FirstByChance.Should().BeApproximately(0.2, 1e-12);
        found.Agreement.AnyByChance.Should().BeApproximately(0.8, 1e-12);
        found.Kept(0).Should().Be(0.5);
        found.Kept(3).Should().Be(0);
        found.Kept(1).Should().BeNull();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Independent_routing_agrees_as_often_as_chance_says_and_chance_is_that_of_even_loads(int topK)
    {
        const int Tokens = 40_000;
        NeighbourAgreement found = Count(Traces.Random(new Random(5), 8, topK, 1, [Tokens], 50)).Agreement;
        double any = topK == 1 ? 1 / 8.0 : 1 - 6.0 / 8 * 5 / 7;
        double error = 4 / Math.Sqrt(Tokens) * 0.5;
        found.First.Should().BeApproximately(found.FirstByChance, error);
        found.FirstByChance.Should().BeApproximately(1 / 8.0, error);
        found.Any.Should().BeApproximately(found.AnyByChance, error);
        found.AnyByChance.Should().BeApproximately(any, error, "Mixtral's 12.5 % and 46 %");
    }

    [Fact]
    public void All_four_are_probabilities_and_sharing_any_is_no_rarer_than_sharing_the_first() => Traces.Any.Sample(trace =>
    {
        NeighbourAgreement found = Count(trace).Agreement;
        found.First.Should().BeInRange(0, found.Any);
        found.FirstByChance.Should().BeInRange(0, found.AnyByChance + 1e-12);
        found.Any.Should().BeLessThanOrEqualTo(1);
        found.AnyByChance.Should().BeLessThanOrEqualTo(1 + 1e-12);
    });

    private static Neighbours Count(RoutingTrace trace) => Neighbours.Count(trace.Windows, trace.Choices(0), trace.TopK, trace.Experts, seed: 3);
}
