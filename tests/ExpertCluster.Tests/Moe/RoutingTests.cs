using CsCheck;
using ExpertCluster.Moe;

namespace ExpertCluster.Tests.Moe;

public sealed class RoutingTests
{
    private static readonly Gen<(float[] Logits, int Tokens, int Experts, int TopK)> Batches =
        Gen.Select(Gen.Int[0, 40], Gen.Int[1, 20]).SelectMany((tokens, experts) =>
            Gen.Select(
                // Few distinct values, so that ties are common.
                Gen.OneOf(Gen.Int[-3, 3].Select(i => (float)i), Gen.Float[-200, 200]).Array[tokens * experts],
                Gen.Int[1, experts],
                (logits, k) => (logits, tokens, experts, k)));

    [Fact]
    public void Gate_picks_the_most_probable_and_breaks_ties_by_index()
    {
        Batches.Sample(batch =>
        {
            (float[] logits, int tokens, int experts, int topK) = batch;
            RoutingDecision decision = TopKGate.Route(logits, tokens, experts, topK, renormalise: true);
            for (int token = 0; token < tokens; token++)
            {
                float[] row = logits[(token * experts)..((token + 1) * experts)];
                float[] weights = decision.Weights[(token * topK)..((token + 1) * topK)];
                int[] chosen = decision.Experts[(token * topK)..((token + 1) * topK)];
                chosen.Distinct().Count().Should().Be(topK);
                weights.Sum().Should().BeApproximately(1, 1e-5f);
                for (int j = 1; j < topK; j++)
                {
                    float before = row[chosen[j - 1]];
                    float after = row[chosen[j]];
                    (after < before || (after == before && chosen[j] > chosen[j - 1])).Should().BeTrue();
                }

                double chosenSum = chosen.Sum(e => Math.Exp((double)row[e] - row.Max()));
                for (int j = 0; j < topK; j++)
                {
                    ((double)weights[j]).Should().BeApproximately(Math.Exp((double)row[chosen[j]] - row.Max()) / chosenSum, 1e-5);
                }

                int last = chosen[^1];
                Enumerable.Range(0, experts).Except(chosen).Should().OnlyContain(e => row[e] < row[last] || (row[e] == row[last] && e > last));
            }
        }, iter: 500);
    }

    [Fact]
    public void Without_renormalising_the_weights_are_the_probabilities()
    {
        RoutingDecision decision = TopKGate.Route([0, 0, 0, 0], 1, 4, 2, renormalise: false);
        decision.Experts.Should().Equal(0, 1);
        decision.Weights.Should().Equal(0.25f, 0.25f);
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(5, 4)]
    public void More_choices_than_experts_are_refused(int topK, int experts)
    {
        Action route = () => TopKGate.Route(new float[experts], 1, experts, topK, true);
        route.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Logits_that_are_not_finite_are_refused()
    {
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity])
        {
            Action route = () => TopKGate.Route([0, bad], 1, 2, 1, true);
            route.Should().Throw<NotFiniteNumberException>();
        }
    }

    [Fact]
    public void Groups_hold_every_slot_once_in_order_under_its_expert()
    {
        Batches.Sample(batch =>
        {
            RoutingDecision decision = TopKGate.Route(batch.Logits, batch.Tokens, batch.Experts, batch.TopK, true);
            ExpertGroups groups = ExpertGroups.Build(decision, batch.Experts);
            groups.Experts.Should().Be(batch.Experts);
            var all = new List<int>();
            for (int expert = 0; expert < batch.Experts; expert++)
            {
                int[] slots = groups[expert].ToArray();
                slots.Should().BeInAscendingOrder().And.OnlyContain(slot => decision.Experts[slot] == expert);
                groups.Start(expert).Should().Be(all.Count);
                all.AddRange(slots);
            }

            all.Order().Should().Equal(Enumerable.Range(0, decision.Slots));
            groups.AllSlots.ToArray().Should().Equal(all);
        }, iter: 300);
    }

    [Fact]
    public void Groups_refuse_a_decision_that_does_not_fit()
    {
        Action outOfRange = () => ExpertGroups.Build(new RoutingDecision(1, 1, [4], [1]), 4);
        outOfRange.Should().Throw<ArgumentException>().WithMessage("*expert 4 of 4*");
        Action lengths = () => ExpertGroups.Build(new RoutingDecision(2, 1, [0], [1]), 4);
        lengths.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Weights_without_lost_slots_keep_each_token_s_sum_and_proportions()
    {
        Gen.Select(Gen.Int[1, 12], Gen.Int[2, 6]).SelectMany((tokens, k) => Gen.Select(
            Gen.Float[0.001f, 2].Array[tokens * k], Gen.Bool.Array[tokens * k], Gen.Int[0, k - 1].Array[tokens], (weights, lost, kept) => (weights, lost, kept, k)))
            .Sample(x =>
            {
                for (int token = 0; token < x.kept.Length; token++)
                {
                    x.lost[(token * x.k) + x.kept[token]] = false;
                }

                float[] before = [.. x.weights];
                var decision = new RoutingDecision(x.kept.Length, x.k, new int[x.weights.Length], x.weights);
                RoutingDecision left = decision.Without(x.lost);
                Assert.Equal(before, x.weights);
                for (int token = 0; token < x.kept.Length; token++)
                {
                    int[] slots = [.. Enumerable.Range(token * x.k, x.k)];
                    double all = slots.Sum(slot => (double)before[slot]);
                    double survivors = slots.Sum(slot => x.lost[slot] ? 0d : before[slot]);
                    Assert.True(decision.CanLose(token, x.lost));
                    Assert.Equal(all, slots.Sum(slot => (double)left.Weights[slot]), 1e-6 * all);
                    Assert.All(slots, slot => Assert.Equal(
                        x.lost[slot] ? 0 : survivors == all ? before[slot] : (float)(before[slot] * (all / survivors)), left.Weights[slot]));
                }
            });
    }

    [Fact]
    public void A_token_can_not_lose_all_its_experts_nor_all_its_weight()
    {
        var decision = new RoutingDecision(2, 2, [0, 1, 2, 3], [0.5f, 0.5f, 1, 0]);
        decision.CanLose(0, [true, true, false, false]).Should().BeFalse();
        decision.CanLose(0, [true, false, false, false]).Should().BeTrue();
        decision.CanLose(1, [false, false, true, false]).Should().BeFalse("what is left weighs nothing");
        decision.CanLose(1, [false, false, false, true]).Should().BeTrue();
        Action none = () => decision.Without([true, true, false, false]);
        none.Should().Throw<ArgumentException>().WithMessage("*Token 0*");
        Action length = () => decision.Without([true]);
        length.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Combine_is_the_weighted_sum_in_slot_order()
    {
        Gen.Select(Gen.Int[0, 12], Gen.Int[1, 5], Gen.Int[1, 33]).SelectMany((tokens, k, hidden) => Gen.Select(
            Gen.Float[-10, 10].Array[tokens * k * hidden], Gen.Float[-1, 1].Array[tokens * k], (rows, weights) => (rows, weights, tokens, k, hidden)))
            .Sample(x =>
            {
                var decision = new RoutingDecision(x.tokens, x.k, new int[x.tokens * x.k], x.weights);
                float[] output = new float[x.tokens * x.hidden];
                Array.Fill(output, float.NaN);
                ExpertCombine.WeightedSum(x.rows, decision, x.hidden, output);
                for (int i = 0; i < output.Length; i++)
                {
                    double expected = 0;
                    for (int j = 0; j < x.k; j++)
                    {
                        int slot = (i / x.hidden * x.k) + j;
                        expected += (double)x.weights[slot] * x.rows[(slot * x.hidden) + (i % x.hidden)];
                    }

                    ((double)output[i]).Should().BeApproximately(expected, 1e-4);
                }

                float[] again = new float[output.Length];
                ExpertCombine.WeightedSum(x.rows, decision, x.hidden, again);
                again.Should().Equal(output);
            }, iter: 200);
        Action wrong = () => ExpertCombine.WeightedSum(new float[5], new RoutingDecision(1, 2, [0, 1], [1, 1]), 3, new float[3]);
        wrong.Should().Throw<ArgumentException>();
    }
}
