using ExpertCluster.Moe.Layers;
using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using ExpertCluster.Tests.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe;

/// <summary>Constants of the papers that a plausible slip would change without any shape or sign giving it away.</summary>
public sealed class FormulaSpec
{
    [Fact]
    public void Jitter_multiplies_inputs_by_a_uniform_number_around_one()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        using var router = new LinearRouter(4, 4, new RouterOptions { Init = RouterInit.Zero, Generator = generator, Jitter = 0.1 });
        using (no_grad())
        {
            router.Weight.copy_(eye(4));
        }

        float[] factors = router.Forward(ones(5000, 4), RoutingContext.Train(generator)).Logits.Values<float>();
        factors.Min().Should().BeInRange(0.9f - 1e-6f, 0.9001f);
        factors.Max().Should().BeInRange(1.0999f, 1.1f + 1e-6f);
        factors.Average().Should().BeApproximately(1, 0.002f);

        // The fourth part of a uniform distribution lies in each quarter.
        factors.Count(f => f < 0.95f).Should().BeInRange(4800, 5200);
        router.Forward(ones(1, 4), RoutingContext.Evaluation).Logits.Values<float>().Should().OnlyContain(f => f == 1);
    }

    [Fact]
    public void Expert_dropout_keeps_the_mean()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        using var experts = new FeedForwardExperts(
            new FeedForwardOptions { Experts = 1, Hidden = 1, Intermediate = 1, Generator = generator, Dropout = 0.4 });
        using (no_grad())
        {
            experts.Up.fill_(1);
            experts.Down.fill_(1);
        }

        float[] values = experts.ForwardGroups(ones(10_000, 1), [10_000], RoutingContext.Train(generator)).Values<float>();
        values.Should().OnlyContain(v => v == 0 || Math.Abs(v - (1 / 0.6f)) < 1e-6f);
        values.Count(v => v == 0).Should().BeInRange(3850, 4150);
        values.Average().Should().BeApproximately(1, 0.03f);
        experts.ForwardGroups(ones(3, 1), [3], RoutingContext.Evaluation).Values<float>().Should().OnlyContain(v => v == 1);
    }

    [Fact]
    public void Between_lstm_layers_the_mixtures_output_passes_a_sigmoid()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        using Gate gate = Batch.Create("shazeer-2017", generator);
        var mixture = new MixtureLayer(
            gate, new FeedForwardExperts(new FeedForwardOptions { Experts = 8, Hidden = 6, Intermediate = 5, Generator = generator, InitScale = 1 }));
        using var lstm = new LstmMixture(mixture, generator);
        using (no_grad())
        {
            // Without weights an LSTM answers 0, and only its residual connection is left.
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in lstm.named_parameters())
            {
                if (!name.StartsWith("mixture", StringComparison.Ordinal))
                {
                    parameter.zero_();
                }
            }
        }

        Tensor sequences = randn([2, 5, 6], generator: generator);
        Tensor mixed = mixture.Forward(new GateInput(sequences.flatten(0, 1)), RoutingContext.Evaluation).Rows.view_as(sequences);
        mixed.abs().max().item<float>().Should().BeGreaterThan(0.1f);
        Tensor rows = lstm.Forward(sequences, RoutingContext.Evaluation).Rows;
        (rows - sequences - (1 / (1 + (-mixed).exp()))).abs().max().item<float>().Should().BeLessThan(1e-6f);
    }

    [Fact]
    public void Trainable_noise_never_falls_below_a_hundredth()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        Tensor logits = zeros(10_000, 2, dtype: ScalarType.Float64);
        Tensor spread = tensor(new[] { -100.0, 0.0 }).expand_as(logits);
        RouterScores scores = new LearnedNoiseScores().Score(new RouterOutput(logits, spread), RoutingContext.Train(generator, ScalarType.Float64));
        double[] scale = scores.NoiseScale![0].Values<double>();
        scale[0].Should().BeApproximately(0.01, 1e-9);
        scale[1].Should().BeApproximately(Math.Log(2) + 0.01, 1e-9);
        double[] drawn = scores.NoisyLogits.std([0L]).Values<double>();
        drawn[0].Should().BeApproximately(0.01, 0.0003);
        drawn[1].Should().BeApproximately(Math.Log(2) + 0.01, 0.02);
    }

    [Theory]
    [InlineData(3.0, true)]
    [InlineData(3.01, false)]
    public void An_expert_closes_when_its_total_exceeds_the_mean_by_more_than_the_margin(double total, bool open)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var scores = new BalancedStartScores(3, margin: 2);

        // A total of 3 beside two of 0 is 2 above the mean.
        scores.Totals[0] = total;
        Tensor probabilities = scores.Score(new RouterOutput(zeros(1, 3)), RoutingContext.Train(null)).Probabilities;
        (probabilities[0, 0].item<float>() > 0).Should().Be(open);
    }

    [Theory]
    [InlineData(114.0, true)]
    [InlineData(115.0, false)]
    public void The_margin_of_deep_moe_2013_is_a_hundred_tokens(double total, bool open)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        using var gate = (TokenChoiceGate)Batch.Create("deep-moe-2013", generator);

        // 7/8 of it is above the mean of eight.
        ((BalancedStartScores)gate.Policy.Score).Totals[0] = total;
        SlotAssignment slots = gate.Route(new GateInput(zeros(1, 6)), RoutingContext.Train(generator)).Slots;
        (slots.Weight[0, 0].item<float>() > 0).Should().Be(open);
    }

    [Fact]
    public void The_second_expert_is_drawn_by_its_share_of_the_two_best()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(6, CPU);

        // 0.3 and 0.1 of the whole are 3/4 and 1/4 of the two: used half of the time at threshold 0.5, where 0.1 alone would give a fifth.
        double[] shares = [0.3, 0.1, .. Enumerable.Repeat(0.06, 10)];
        Tensor logits = tensor(shares).log().unsqueeze(0).expand(20_000, 12);
        RouterScores scores = new SoftmaxScores().Score(new RouterOutput(logits), RoutingContext.Evaluation);
        ExpertSelection two = new RandomSecondChoice(0.5).Select(scores, RoutingContext.Train(generator));
        two.Wanted!.select(1, 0).all().item<bool>().Should().BeTrue();
        (two.Wanted.select(1, 1).sum().item<long>() / 20_000.0).Should().BeApproximately(0.5, 0.015);
    }

    [Fact]
    public void Tutels_loss_is_half_of_importance_plus_load()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        const int Tokens = 7, Experts = 5, K = 2;
        const double Sigma = 0.3;
        Tensor clean = randn([Tokens, Experts], dtype: ScalarType.Float64, generator: generator);
        Tensor noisy = clean + (randn([Tokens, Experts], dtype: ScalarType.Float64, generator: generator) * Sigma);
        (double[] c, double[] n) = (clean.Values<double>(), noisy.Values<double>());
        (double[] importance, double[] load) = (new double[Experts], new double[Experts]);
        for (int t = 0; t < Tokens; t++)
        {
            double threshold = n[(t * Experts)..((t + 1) * Experts)].OrderDescending().ElementAt(K - 1);
            double sum = c[(t * Experts)..((t + 1) * Experts)].Sum(Math.Exp);
            for (int e = 0; e < Experts; e++)
            {
                double x = c[(t * Experts) + e];
                importance[e] += Math.Exp(x) / sum;
                load[e] += (1 + tensor((x - threshold) / Sigma / Math.Sqrt(2)).erf().item<double>()) / 2;
            }
        }

        double loss = LoadLoss.Tutel(clean, noisy, full([], Sigma, dtype: ScalarType.Float64), K).item<double>();
        loss.Should().BeApproximately((Variation(importance) + Variation(load)) / 2, 1e-9);

        static double Variation(double[] values)
        {
            double mean = values.Average();
            return values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1) / ((mean * mean) + 1e-10);
        }
    }

    [Fact]
    public void The_loss_on_second_choices_is_half_a_balancing_loss_without_the_first()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor probabilities = tensor(new[] { 0.5, 0.3, 0.2, 0.1, 0.3, 0.6 }).reshape(2, 3);
        Tensor chosen = tensor(new long[] { 0, 1, 2, 1 }).reshape(2, 2);

        // Without the first choice the rows are (0, 0.6, 0.4) and (0.25, 0.75, 0); all second choices are expert 1.
        double expected = 3 * ((0.6 + 0.75) / 2) * 0.5;
        LoadBalancingLoss.SecondPlace(probabilities, chosen).item<double>().Should().BeApproximately(expected, 1e-8);
    }
}
