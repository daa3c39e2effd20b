using ExpertCluster.Moe;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Routing;

public sealed class RoutingPropertiesSpec
{
    private static RoutingPolicy Policy(int k, IWeightPolicy weights, CapacityPolicy? capacity = null) =>
        new() { Score = new SoftmaxScores(), Select = new TopKChoices(k), Weights = weights, Capacity = capacity };

    [Fact]
    public void Choices_are_those_of_a_stable_sort_and_ties_go_to_the_lowest_index()
    {
        Batch.Sample(batch =>
        {
            long[] chosen = StableOrder.TopK(batch.Logits, batch.K).Values<long>();
            for (int token = 0; token < batch.Tokens; token++)
            {
                IEnumerable<int> expected = Enumerable.Range(0, batch.Experts)
                    .OrderByDescending(e => batch.Values[(token * batch.Experts) + e]).Take(batch.K);
                chosen[(token * batch.K)..((token + 1) * batch.K)].Should().Equal(expected.Select(e => (long)e));
            }
        });
    }

    [Fact]
    public void Masked_experts_are_never_taken_twice()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        float none = float.NegativeInfinity;
        Tensor logits = tensor(new[] { none, 1, none, none, none, none }).reshape(1, 6);
        foreach (int k in (int[])[3, 5, 6])
        {
            StableOrder.TopK(logits, k).Values<long>().Should().Equal(new long[] { 1, 0, 2, 3, 4, 5 }.Take(k));
        }
    }

    [Fact]
    public void The_mixtral_policy_decides_as_the_serving_gate()
    {
        Batch.Sample(batch =>
        {
            RoutingDecision host = TopKGate.Route(batch.Values, batch.Tokens, batch.Experts, batch.K, renormalise: true);
            SlotAssignment slots = Policy(batch.K, new NormalisedWeights()).Route(new RouterOutput(batch.Logits), RoutingContext.Evaluation).Slots;
            float[] weights = slots.Weight.Values<float>();
            for (int slot = 0; slot < weights.Length; slot++)
            {
                weights[slot].Should().BeApproximately(host.Weights[slot], 1e-5f);
            }

            // The gate ranks logits, the policy their softmax, so they may disagree about logits that are not equal but too close
            // for the softmax to tell apart – about nothing else.
            long[] experts = slots.Expert.Values<long>();
            for (int slot = 0; slot < experts.Length; slot++)
            {
                float[] row = batch.Values[(slot / batch.K * batch.Experts)..][..batch.Experts];
                row[experts[slot]].Should().BeApproximately(row[host.Experts[slot]], 1e-5f);
                if (!row.Any(a => row.Any(b => a != b && MathF.Abs(a - b) < 1e-5f)))
                {
                    experts[slot].Should().Be(host.Experts[slot]);
                }
            }
        });
    }

    [Fact]
    public void Weights_of_kept_choices_sum_as_each_policy_says()
    {
        Batch.Sample(batch =>
        {
            var router = new RouterOutput(batch.Logits);
            foreach (IWeightPolicy weights in (IWeightPolicy[])[new NormalisedWeights(), new ChosenSoftmaxWeights(), new SurvivorWeights()])
            {
                float[] sums = Policy(batch.K, weights).Route(router, RoutingContext.Evaluation).Slots.Weight.sum(1).Values<float>();
                sums.Should().OnlyContain(sum => Math.Abs(sum - 1) < 1e-5);
            }

            SlotAssignment raw = Policy(batch.K, new ProbabilityWeights()).Route(router, RoutingContext.Evaluation).Slots;
            raw.Weight.sum(1).Values<float>().Should().OnlyContain(sum => sum > 0 && sum < 1 + 1e-5);
            SlotAssignment norm = Policy(batch.K, new NormalisedWeights { Norm = 2 }).Route(router, RoutingContext.Evaluation).Slots;
            norm.Weight.pow(2).sum(1).Values<float>().Should().OnlyContain(sum => Math.Abs(sum - 1) < 1e-5);
            var tight = new CapacityPolicy(CapacityConventions.Fixed, 2, 2);
            SlotAssignment survivors = Policy(batch.K, new SurvivorWeights(), tight).Route(router, RoutingContext.Evaluation).Slots;
            float[] left = survivors.Weight.sum(1).Values<float>();
            left.Should().OnlyContain(sum => Math.Abs(sum - 1) < 1e-5 || sum == 0);
        });
    }

    [Fact]
    public void No_expert_exceeds_its_capacity_and_places_are_used_once()
    {
        Batch.Sample(batch =>
        {
            foreach (OverflowPriority priority in Enum.GetValues<OverflowPriority>())
            {
                using var generator = new Generator(1, CPU);
                var capacity = new CapacityPolicy(CapacityConventions.Fixed, 3, 3) { Priority = priority };
                SlotAssignment slots = Policy(batch.K, new ProbabilityWeights(), capacity)
                    .Route(new RouterOutput(batch.Logits), new RoutingContext { Generator = generator }).Slots;
                slots.Load().Values<long>().Should().OnlyContain(load => load <= 3);
                Tensor mask = slots.DispatchMask();
                mask.sum([0L]).Values<long>().Should().OnlyContain(count => count <= 1);
                mask.sum().item<long>().Should().Be(slots.Kept!.sum().item<long>());
                (slots.CombineWeights().gt(0).logical_and(mask.logical_not())).any().item<bool>().Should().BeFalse();
            }
        }, 60);
    }

    [Fact]
    public void Counting_behind_kept_or_behind_all_first_choices_decides_alike()
    {
        Batch.Sample(batch =>
        {
            SlotAssignment slots = Policy(batch.K, new ProbabilityWeights(), new CapacityPolicy(CapacityConventions.Fixed, 2, 2))
                .Route(new RouterOutput(batch.Logits), RoutingContext.Evaluation).Slots;
            long[] experts = slots.Expert.Values<long>();
            bool[] actual = slots.Kept!.Values<bool>();
            actual.Should().Equal(Keep(batch, experts, behindKept: true)).And.Equal(Keep(batch, experts, behindKept: false));
        });

        static bool[] Keep(Batch batch, long[] experts, bool behindKept)
        {
            var kept = new bool[experts.Length];
            var offset = new int[batch.Experts];
            for (int choice = 0; choice < batch.K; choice++)
            {
                var seen = new int[batch.Experts];
                var taken = new int[batch.Experts];
                for (int token = 0; token < batch.Tokens; token++)
                {
                    int slot = (token * batch.K) + choice;
                    kept[slot] = offset[experts[slot]] + seen[experts[slot]]++ < 2;
                    taken[experts[slot]] += kept[slot] ? 1 : 0;
                }

                for (int expert = 0; expert < batch.Experts; expert++)
                {
                    offset[expert] += behindKept ? taken[expert] : seen[expert];
                }
            }

            return kept;
        }
    }

    [Fact]
    public void Priorities_keep_whom_they_name()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        // Three tokens want expert 0: the first as its second choice, the others as their first, the last most of all.
        Tensor logits = tensor(new float[] { 1, 2, -9, 1.5f, 0, 0, 3, 0, 0 }).reshape(3, 3);
        Keeps(OverflowPriority.ChoiceMajor).Should().Be(1);
        Keeps(OverflowPriority.TokenMajor).Should().Be(0);
        Keeps(OverflowPriority.BatchPriority).Should().Be(2);
        Keeps(OverflowPriority.HighestProbability).Should().Be(2);

        long Keeps(OverflowPriority priority)
        {
            var capacity = new CapacityPolicy(CapacityConventions.Fixed, 1, 1) { Priority = priority };
            SlotAssignment slots = Policy(2, new ProbabilityWeights(), capacity).Route(new RouterOutput(logits), RoutingContext.Evaluation).Slots;
            return slots.DispatchMask().select(1, 0).to(ScalarType.Int64).argmax(0).item<long>();
        }
    }

    [Fact]
    public void Groups_are_routed_as_if_alone()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        Tensor logits = randn([24, 5], generator: generator);
        var capacity = new CapacityPolicy(CapacityConventions.MeshTf, 1, 1);
        SlotAssignment together = (Policy(2, new ProbabilityWeights(), capacity) with { Groups = 3 })
            .Route(new RouterOutput(logits), RoutingContext.Evaluation).Slots;
        for (int group = 0; group < 3; group++)
        {
            SlotAssignment alone = Policy(2, new ProbabilityWeights(), capacity)
                .Route(new RouterOutput(logits.narrow(0, group * 8, 8)), RoutingContext.Evaluation).Slots;
            alone.CombineWeights().eq(together.CombineWeights().narrow(0, group * 8, 8)).all().item<bool>().Should().BeTrue();
        }

        Action uneven = () => (Policy(2, new ProbabilityWeights()) with { Groups = 5 }).Route(new RouterOutput(logits), RoutingContext.Evaluation);
        uneven.Should().Throw<ArgumentException>().WithMessage("*24 tokens*5 equal groups*");
    }

    [Fact]
    public void Experts_that_choose_take_equal_numbers_and_the_earlier_of_equal_tokens()
    {
        Batch.Sample(batch =>
        {
            using var router = new LinearRouter(1, batch.Experts, new RouterOptions { Init = RouterInit.Zero });
            using var gate = new ExpertChoiceGate(router, 1.5);
            GateResult result = gate.Route(batch.Logits);
            long capacity = Math.Min(batch.Tokens, (long)Math.Ceiling(batch.Tokens * 1.5 / batch.Experts));
            result.Slots.Load().Values<long>().Should().OnlyContain(load => load == capacity);
            float[] probabilities = result.Scores!.Probabilities.Values<float>();
            long[] tokens = result.Slots.Token!.Values<long>();
            for (int expert = 0; expert < batch.Experts; expert++)
            {
                IEnumerable<long> expected = Enumerable.Range(0, batch.Tokens).OrderByDescending(t => probabilities[(t * batch.Experts) + expert])
                    .Take((int)capacity).Order().Select(t => (long)t);
                tokens[(int)(expert * capacity)..(int)((expert + 1) * capacity)].Should().Equal(expected);
            }
        });
    }
}
