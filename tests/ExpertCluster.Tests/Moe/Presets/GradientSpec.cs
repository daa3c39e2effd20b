using ExpertCluster.Moe.Layers;
using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using ExpertCluster.Tests.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Presets;

/// <summary>Gradients against finite differences in float64, through gate, experts and losses, with the same draws each time.</summary>
public sealed class GradientSpec
{
    private const int Tokens = 12;

    public static TheoryData<string> Smooth => [.. GatePresets.All.Where(p => p.Gradient == GradientKind.Exact).Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Smooth))]
    public void Autograd_agrees_with_finite_differences(string preset)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(11, CPU);
        using MixtureLayer layer = Layer(preset, generator, ScalarType.Float64);
        Tensor rows = randn([Tokens, 6], dtype: ScalarType.Float64, generator: generator).requires_grad_(true);
        Tensor target = randn([Tokens, 6], dtype: ScalarType.Float64, generator: generator);
        // Zero-initialised gates tie everywhere, and a tie is where a choice flips.
        using (no_grad())
        {
            foreach (Tensor parameter in layer.Gate.parameters())
            {
                parameter.copy_(randn(parameter.shape, dtype: ScalarType.Float64, generator: generator) * 0.7);
            }
        }

        Tensor Loss()
        {
            using var draws = new Generator(7, CPU);
            if (layer.Gate is TokenChoiceGate { Policy.Score: BalancedStartScores constraint })
            {
                // It remembers: every evaluation starts from the same totals, with one expert over the margin.
                constraint.Totals.zero_();
                constraint.Totals[2] = 1000;
            }

            MixtureOutput output = layer.Forward(new GateInput(rows), RoutingContext.Train(draws, ScalarType.Float64));
            Tensor loss = (output.Rows * target).sum();
            return output.Routing.TotalLoss is { } extra ? loss + (extra * 10) : loss;
        }

        Loss().backward();
        Tensor[] inputs = [rows, .. layer.parameters()];
        int checkedValues = 0;
        foreach (Tensor input in inputs)
        {
            double[] analytic = input.grad is { } g ? g.Values<double>() : new double[input.NumberOfElements];
            using Tensor flat = input.detach().view(-1);
            int step = Math.Max(analytic.Length / 12, 1);
            for (int i = 0; i < analytic.Length; i += step)
            {
                double numeric = Difference(flat, i, () => Loss().item<double>());
                analytic[i].Should().BeApproximately(numeric, 1e-6 + (1e-5 * Math.Abs(numeric)), $"{preset}, value {i} of [{string.Join(", ", input.shape)}]");
                checkedValues++;
            }
        }

        layer.Gate.parameters().Select(p => p.grad is { } g && g.abs().sum().item<double>() > 0).Should().OnlyContain(r => r, "autograd reaches the router");
        checkedValues.Should().BeGreaterThan(20);
    }

    [Fact]
    public void Straight_through_is_hard_forward_and_the_gradient_of_its_surrogate_backward()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        Tensor logits = randn([Tokens, 5], dtype: ScalarType.Float64, generator: generator).requires_grad_(true);
        Tensor answers = randn([Tokens, 1], dtype: ScalarType.Float64, generator: generator);
        GateResult result = Policy(straightThrough: true).Route(new RouterOutput(logits), RoutingContext.Train(generator, ScalarType.Float64));
        result.Slots.Weight.eq(1).all().item<bool>().Should().BeTrue();
        (result.Slots.Weight * answers).sum().backward();
        Tensor straight = logits.grad!.clone();
        logits.grad.zero_();
        (logits.softmax(-1).gather(1, result.Slots.Expert) * answers).sum().backward();
        (straight - logits.grad!).abs().max().item<double>().Should().BeLessThan(1e-12);
        straight.abs().max().item<double>().Should().BeGreaterThan(0.01);
    }

    [Fact]
    public void The_mean_of_reinforce_lies_within_three_standard_errors_of_the_enumerated_gradient()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(17, CPU);
        const int Samples = 20_000;
        Tensor start = tensor(new[] { 0.3, -0.5, 1.1, 0.0 });
        Tensor costs = tensor(new[] { 2.0, -1.0, 0.5, 3.0 });
        Tensor exactAt = start.clone().requires_grad_(true);
        (exactAt.softmax(0) * costs).sum().backward();
        double[] exact = exactAt.grad!.Values<double>();
        Tensor logits = start.unsqueeze(0).expand(Samples, 4).contiguous().requires_grad_(true);
        GateResult result = Policy(straightThrough: false).Route(new RouterOutput(logits), RoutingContext.Train(generator, ScalarType.Float64));
        result.Slots.Weight.requires_grad.Should().BeFalse("nothing flows through a hard choice");
        Tensor loss = costs.index_select(0, result.Slots.Expert.squeeze(1));
        ReinforceLoss.Compute(result.Selection!.LogProbability!, loss, costs.mean()).backward();
        // Each sample's own gradient: the loss is a mean.
        Tensor each = logits.grad! * Samples;
        double[] mean = each.mean([0L]).Values<double>();
        double[] error = (each.std([0L]) / Math.Sqrt(Samples)).Values<double>();
        for (int i = 0; i < mean.Length; i++)
        {
            Math.Abs(mean[i] - exact[i]).Should().BeLessThan(3 * error[i]);
            Math.Abs(exact[i]).Should().BeGreaterThan(3 * error[i], "the test must be able to fail");
        }
    }

    [Fact]
    public void Hash_routing_has_no_gradient_and_says_so_but_its_experts_learn()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        using MixtureLayer layer = Layer("base-hash", generator, ScalarType.Float32);
        layer.Gate.Gradient.Should().Be(GradientKind.None);
        layer.Gate.parameters().Should().BeEmpty();
        Tensor ids = tensor(Enumerable.Range(0, Tokens).Select(i => (long)i).ToArray());
        MixtureOutput output = layer.Forward(
            new GateInput(randn([Tokens, 6], generator: generator)) { TokenIds = ids }, RoutingContext.Train(generator));
        output.Routing.Slots.Weight.requires_grad.Should().BeFalse();
        output.Rows.sum().backward();
        layer.Experts.parameters().Select(p => p.grad is not null).Should().OnlyContain(has => has);
    }

    [Fact]
    public void A_frozen_gate_stays_while_experts_learn()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        using MixtureLayer layer = Layer("flan-moe", generator, ScalarType.Float32, s => s with { Frozen = true });
        MixtureOutput output = layer.Forward(new GateInput(randn([Tokens, 6], generator: generator)), RoutingContext.Train(generator));
        (output.Rows.sum() + output.Routing.TotalLoss!).backward();
        layer.Gate.parameters().Select(p => p.grad is not null).Should().OnlyContain(has => !has);
        layer.Experts.parameters().Select(p => p.grad is not null).Should().OnlyContain(has => has);
    }

    private static double Difference(Tensor flat, int index, Func<double> loss)
    {
        const double Step = 1e-6;
        using var scope = NewDisposeScope();
        double value = flat[index].item<double>();
        flat[index] = value + Step;
        double above = loss();
        flat[index] = value - Step;
        double below = loss();
        flat[index] = value;
        return (above - below) / (2 * Step);
    }

    private static RoutingPolicy Policy(bool straightThrough) =>
        new() { Score = new SoftmaxScores(), Select = new SampledChoice(), Weights = new HardWeights(straightThrough) };

    private static MixtureLayer Layer(
        string preset, Generator generator, ScalarType type, Func<GateSettings, GateSettings>? change = null)
    {
        Gate gate = Batch.Create(preset, generator, s => (change ?? (same => same))(s with { Type = type }));
        return new MixtureLayer(gate, new FeedForwardExperts(new FeedForwardOptions
        {
            Experts = 8,
            Hidden = 6,
            Intermediate = 5,
            Generator = generator,
            Activation = ExpertActivation.SwiGlu,
            InitScale = 1,
            Type = type,
        }));
    }
}
