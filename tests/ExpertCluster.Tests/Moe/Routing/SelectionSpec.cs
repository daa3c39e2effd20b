using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Routing;

public sealed class SelectionSpec
{
    [Fact]
    public void A_second_expert_is_used_with_the_documented_probability_and_takes_no_slot_otherwise()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(6, CPU);
        // g2 = 0.2 of the two: used always at threshold 0.2, with probability 0.4 at 0.5.
        Tensor logits = tensor(new[] { Math.Log(4), 0 }).unsqueeze(0).expand(20_000, 2);
        foreach ((double threshold, double share) in (ReadOnlySpan<(double, double)>)[(0.5, 0.4), (0.19, 1), (0.8, 0.25)])
        {
            SlotAssignment slots = new RoutingPolicy
            {
                Score = new SoftmaxScores(),
                Select = new RandomSecondChoice(threshold),
                Weights = new NormalisedWeights(),
                Capacity = new CapacityPolicy(CapacityConventions.Fixed, 20_000, 20_000),
            }.Route(new RouterOutput(logits), RoutingContext.Train(generator)).Slots;
            slots.Load()[0].item<long>().Should().Be(20_000);
            (slots.Load()[1].item<long>() / 20_000.0).Should().BeApproximately(share, 0.015);
        }
    }

    [Fact]
    public void Groups_are_limited_even_where_biased_scores_are_negative_and_weights_ignore_the_bias()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var scores = new BiasedSigmoidScores(4, ScalarType.Float64);
        // Logits of 0 give affinities of 0.5; the bias makes all ranks negative and expert 3 the best, group 1 the better.
        scores.Bias.copy_(tensor(new[] { -1.0, -1.2, -3.0, -0.6 }));
        GateResult result = new RoutingPolicy
        {
            Score = scores,
            Select = new GroupLimitedChoices(2, 2, 1),
            Weights = new NormalisedWeights { Epsilon = 1e-20, Factor = 2.5 },
        }.Route(new RouterOutput(zeros(1, 4, dtype: ScalarType.Float64)), RoutingContext.Evaluation);
        result.Slots.Expert.Values<long>().Should().Equal(0, 1);
        result.Slots.Weight.Values<double>().Should().OnlyContain(w => Math.Abs(w - 1.25) < 1e-12);
    }

    [Fact]
    public void The_bias_moves_by_gamma_against_the_load()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var scores = new BiasedSigmoidScores(3);
        scores.UpdateBias(tensor(new long[] { 9, 1, 5 }));
        float[] moved = scores.Bias.Values<float>();
        moved.Should().Equal(-0.001f, 0.001f, 0f);
        Action wrong = () => scores.UpdateBias(tensor(new long[] { 9, 1 }));
        wrong.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void No_more_tokens_leave_the_node_than_the_share_allows()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(6, CPU);
        bool[] local = [true, true, true, false, false, false, false, false];
        Tensor logits = randn([200, 8], generator: generator);
        RouterScores scores = new SoftmaxScores().Score(new RouterOutput(logits), RoutingContext.Evaluation);
        long[] chosen = new TopologyLimitedChoices(2, local, 0.14).Select(scores, RoutingContext.Evaluation).Experts.Values<long>();
        chosen.Chunk(2).Count(pair => pair.Any(e => !local[e])).Should().Be(28);
        chosen.Chunk(2).Should().OnlyContain(pair => pair[0] != pair[1]);
        Action few = () => _ = new TopologyLimitedChoices(4, local);
        few.Should().Throw<ArgumentOutOfRangeException>().WithMessage("*1 to 3 experts, not to 4*");
    }

    [Fact]
    public void A_token_that_stays_is_weighed_right_where_the_probabilities_of_its_own_experts_underflow()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        bool[] local = [false, true, true, true];
        foreach ((IWeightPolicy weights, float[] expected) in (ReadOnlySpan<(IWeightPolicy, float[])>)
            [(new ChosenSoftmaxWeights(), [1 / (1 + MathF.Exp(-1)), 1 / (1 + MathF.E)]), (new NormalisedWeights(), [0, 0])])
        {
            Tensor logits = tensor(new float[] { 200, 0, 1, -3 }).reshape(1, 4).requires_grad_(true);
            SlotAssignment slots = new RoutingPolicy
            {
                Score = new SoftmaxScores { RankByLogits = true },
                Select = new TopologyLimitedChoices(2, local),
                Weights = weights,
            }.Route(new RouterOutput(logits), RoutingContext.Evaluation).Slots;
            slots.Expert.Values<long>().Should().Equal(2, 1);
            (slots.Weight - tensor(expected)).abs().max().item<float>().Should().BeLessThan(1e-6f);
            slots.Weight[0, 0].backward();
            logits.grad!.isfinite().all().item<bool>().Should().BeTrue();
        }
    }

    [Fact]
    public void A_token_whose_own_experts_are_all_masked_leaves_its_node()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        const float Masked = float.NegativeInfinity;
        Tensor logits = tensor(new[] { 1, Masked, Masked, 1, 0, Masked }).reshape(2, 3);
        SlotAssignment slots = new RoutingPolicy
        {
            Score = new SoftmaxScores(),
            Select = new TopologyLimitedChoices(1, [false, true, true]),
            Weights = new ChosenSoftmaxWeights(),
        }.Route(new RouterOutput(logits), RoutingContext.Evaluation).Slots;
        slots.Expert.Values<long>().Should().Equal(0, 1);
        slots.Weight.Values<float>().Should().Equal(1f, 1f);
    }

    [Fact]
    public void An_expert_above_the_margin_gets_no_weight_until_the_constraint_is_lifted()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var scores = new BalancedStartScores(3, margin: 2);
        Tensor logits = tensor(new float[] { 4, 0, 0 }).expand(6, 3);
        RoutingContext training = RoutingContext.Train(null);
        scores.Score(new RouterOutput(logits), training).Probabilities[0, 0].item<float>().Should().BeGreaterThan(0.9f);
        scores.Totals.sum().item<double>().Should().BeApproximately(6, 1e-5);
        scores.Score(new RouterOutput(logits), training).Probabilities.Values<float>()[..3].Should().Equal(0f, 0.5f, 0.5f);
        scores.Constrained = false;
        scores.Score(new RouterOutput(logits), training).Probabilities[0, 0].item<float>().Should().BeGreaterThan(0.9f);
    }

    [Fact]
    public void Closing_experts_leaves_the_others_their_proportions_however_small_they_are()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var scores = new BalancedStartScores(4, margin: 2);
        scores.Totals[0] = 1000;
        const float Masked = float.NegativeInfinity;
        Tensor logits = tensor(new[] { 200, 0, MathF.Log(3), Masked, 1, Masked, Masked, Masked }).reshape(2, 4).requires_grad_(true);
        Tensor probabilities = scores.Score(new RouterOutput(logits), RoutingContext.Train(null)).Probabilities;

        // The first row keeps 1 : 3 of what underflows beside 200; the second has a closed expert alone, and keeps it.
        (probabilities - tensor(new[] { 0, 0.25f, 0.75f, 0, 1, 0, 0, 0 }).reshape(2, 4)).abs().max().item<float>().Should().BeLessThan(1e-6f);
        scores.Totals.Values<double>().Should().BeEquivalentTo([1001, 0.25, 0.75, 0], o => o.WithStrictOrdering().Using<double>(c => c.Subject.Should().BeApproximately(c.Expectation, 1e-6)).WhenTypeIs<double>());
        probabilities.pow(2).sum().backward();
        logits.grad!.isfinite().all().item<bool>().Should().BeTrue();
    }

    [Fact]
    public void A_stochastic_choice_never_takes_a_masked_expert()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(8, CPU);
        const float Masked = float.NegativeInfinity;
        Tensor logits = tensor(new[] { Masked, 0, Masked, 1, Masked }).unsqueeze(0).expand(20_000, 5);
        RouterScores scores = new SoftmaxScores().Score(new RouterOutput(logits), RoutingContext.Evaluation);
        long[] drawn = new SampledChoice().Select(scores, RoutingContext.Train(generator)).Experts.Values<long>();
        drawn.Should().OnlyContain(e => e == 1 || e == 3);
        drawn.Count(e => e == 3).Should().BeInRange(14_300, 14_950);
    }

    [Fact]
    public void A_stochastic_choice_follows_the_probabilities_and_the_generator()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor logits = tensor(new[] { Math.Log(0.5), Math.Log(0.3), Math.Log(0.2) }).unsqueeze(0).expand(20_000, 3);
        RouterScores scores = new SoftmaxScores().Score(new RouterOutput(logits), RoutingContext.Evaluation);
        long[] Draw()
        {
            using var generator = new Generator(8, CPU);
            return new SampledChoice().Select(scores, RoutingContext.Train(generator)).Experts.Values<long>();
        }

        long[] drawn = Draw();
        drawn.Count(e => e == 0).Should().BeInRange(9_750, 10_250);
        drawn.Count(e => e == 2).Should().BeInRange(3_800, 4_200);
        Draw().Should().Equal(drawn);
    }

    [Fact]
    public void A_tasks_k_grows_while_that_pays()
    {
        var choices = new AdaptiveChoices(1, 4, patience: 2);
        double[] losses = [5, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3];
        int[] ks = [.. losses.Select(l => { choices.Report(l); return choices.K; })];
        ks.Should().Equal(1, 1, 1, 2, 2, 2, 3, 3, 2, 2, 2);
        choices.Settled.Should().BeTrue();
        Action nan = () => choices.Report(double.NaN);
        nan.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Hash_tables_are_reproducible_and_balance_frequencies()
    {
        HashTable.Random(1000, 8, 5).Should().Equal(HashTable.Random(1000, 8, 5)).And.NotEqual(HashTable.Random(1000, 8, 6));
        HashTable.Random(8000, 8, 5).GroupBy(e => e).Should().HaveCount(8).And.OnlyContain(g => g.Count() > 850 && g.Count() < 1150);
        HashTable.Balanced([10, 1, 9, 8, 2], 2).Should().Equal(0, 0, 1, 1, 0);
    }
}
