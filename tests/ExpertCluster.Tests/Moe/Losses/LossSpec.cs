using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using ExpertCluster.Tests.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Losses;

public sealed class LossSpec
{
    [Fact]
    public void Balancing_losses_are_one_or_k_when_everything_is_even()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor even = full([8, 4], 0.25);
        Tensor chosen = tensor(Enumerable.Range(0, 8).SelectMany(t => new long[] { t % 4, (t + 1) % 4 }).ToArray()).reshape(8, 2);
        Value(LoadBalancingLoss.FirstChoice(even, chosen)).Should().BeApproximately(1, 1e-6);
        Value(LoadBalancingLoss.FirstChoice(even, chosen, 2)).Should().BeApproximately(1, 1e-6);
        Value(LoadBalancingLoss.Union(even, chosen)).Should().BeApproximately(2, 1e-6);
        Value(LoadBalancingLoss.PerChoice(even, chosen)).Should().BeApproximately(2, 1e-6);
        Value(LoadBalancingLoss.DeepSpeed(even, chosen)).Should().BeApproximately(1, 1e-6);
        Value(LoadBalancingLoss.MegaBlocks(even, chosen)).Should().BeApproximately(1, 1e-6);
        Value(LoadBalancingLoss.SequenceWise(even * 3, chosen, 2)).Should().BeApproximately(1, 1e-6);
        Value(LoadBalancingLoss.SecondPlace(even, chosen)).Should().BeApproximately(0.5, 1e-6);
        Tensor skewed = tensor(new[] { 0.7f, 0.1f, 0.1f, 0.1f }).expand(8, 4);
        Value(LoadBalancingLoss.FirstChoice(skewed, zeros(8, 1, dtype: ScalarType.Int64))).Should().BeApproximately(4 * 0.7, 1e-6);
    }

    [Fact]
    public void Importance_is_the_squared_coefficient_of_variation_of_its_code_base()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor gates = tensor(new[] { 1.0, 0.0, 0.5, 0.5, 0.0, 1.0, 0.5, 0.5 }).reshape(4, 2) * tensor(new[] { 2.0, 1.0 });
        // Sums 4 and 2: mean 3, population variance 1, unbiased 2.
        Value(ImportanceLoss.Compute(gates, ImportanceVariance.Population)).Should().BeApproximately(1 / 9.0, 1e-9);
        Value(ImportanceLoss.Compute(gates, ImportanceVariance.PopulationWithEpsilon)).Should().BeApproximately(1 / 9.0, 1e-9);
        Value(ImportanceLoss.Compute(gates, ImportanceVariance.Unbiased)).Should().BeApproximately(2 / 9.0, 1e-9);
        Value(ImportanceLoss.Compute(gates.narrow(1, 0, 1), ImportanceVariance.Unbiased)).Should().Be(0);
    }

    [Fact]
    public void Shazeers_load_equals_its_formula_token_by_token()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        const int Tokens = 7, Experts = 5, K = 2;
        Tensor clean = randn([Tokens, Experts], dtype: ScalarType.Float64, generator: generator);
        Tensor sigma = rand([Tokens, Experts], dtype: ScalarType.Float64, generator: generator) + 0.1;
        Tensor noisy = clean + (randn([Tokens, Experts], dtype: ScalarType.Float64, generator: generator) * sigma);
        var scores = new RouterScores(clean, noisy.softmax(-1), noisy) { NoisyLogits = noisy, NoiseScale = sigma };
        (double[] c, double[] s, double[] n) = (clean.Values<double>(), sigma.Values<double>(), noisy.Values<double>());
        var load = new double[Experts];
        for (int t = 0; t < Tokens; t++)
        {
            double[] sorted = [.. n[(t * Experts)..((t + 1) * Experts)].OrderDescending()];
            for (int e = 0; e < Experts; e++)
            {
                int i = (t * Experts) + e;
                double threshold = n[i] > sorted[K] ? sorted[K] : sorted[K - 1];
                load[e] += Value((tensor((c[i] - threshold) / s[i] / Math.Sqrt(2)).erf() + 1) / 2);
            }
        }

        double mean = load.Average();
        double expected = load.Average(l => (l - mean) * (l - mean)) / ((mean * mean) + 1e-10);
        Value(LoadLoss.Shazeer(scores, StableOrder.TopK(noisy, K))).Should().BeApproximately(expected, 1e-9);
        double tutel = Value(LoadLoss.Tutel(clean, noisy, full([], 0.2, dtype: ScalarType.Float64), K));
        tutel.Should().BePositive();
    }

    [Fact]
    public void The_z_loss_counts_real_tokens_alone_when_told_which_they_are()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor logits = tensor(new[] { 0.0, 0.0, 5.0, 1.0 }).reshape(2, 2);
        double first = Math.Pow(Math.Log(2), 2);
        double second = Math.Pow(Math.Log(Math.Exp(5) + Math.E), 2);
        Value(RouterZLoss.Compute(logits)).Should().BeApproximately((first + second) / 2, 1e-9);
        Value(RouterZLoss.Compute(logits, tensor(new[] { true, false }))).Should().BeApproximately(first, 1e-9);
    }

    [Fact]
    public void The_likelihood_of_1991_equals_its_formula_and_survives_far_off_experts()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor gates = tensor(new[] { 0.25, 0.75 }).reshape(1, 2);
        Tensor outputs = tensor(new[] { 1.0, 0.0, 0.0, 2.0 }).reshape(1, 2, 2);
        Tensor desired = tensor(new[] { 1.0, 1.0 }).reshape(1, 2);
        double expected = -Math.Log((0.25 * Math.Exp(-0.5)) + (0.75 * Math.Exp(-1)));
        Value(MixtureLikelihoodLoss.Compute(gates, outputs, desired)).Should().BeApproximately(expected, 1e-9);
        Value(MixtureLikelihoodLoss.Compute(gates, outputs + 1000, desired)).Should().BeGreaterThan(1e5).And.BeLessThan(1e7);
        Action wrong = () => MixtureLikelihoodLoss.Compute(gates, outputs, desired.t());
        wrong.Should().Throw<ArgumentException>().WithMessage("*[T,E], [T,E,O], [T,O]*");
    }

    [Theory]
    [InlineData(ScalarType.Float32, -200)]
    [InlineData(ScalarType.Float32, double.NegativeInfinity)]
    [InlineData(ScalarType.Float32, -95)]
    [InlineData(ScalarType.Float64, -200)]
    [InlineData(ScalarType.Float64, -800)]
    [InlineData(ScalarType.Float64, double.NegativeInfinity)]
    public void The_likelihood_of_1991_has_finite_gradients_where_gates_underflow(ScalarType type, double low)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        Tensor outputs = randn([2, 3, 2], dtype: type, generator: generator);
        Tensor desired = randn([2, 2], dtype: type, generator: generator);
        foreach (Func<Tensor, Tensor> loss in (Func<Tensor, Tensor>[])
            [l => MixtureLikelihoodLoss.Compute(l.softmax(-1), outputs, desired), l => MixtureLikelihoodLoss.OfLogits(l, outputs, desired)])
        {
            Tensor logits = tensor(new[] { 0, 0, low, 0, 1, low }, dtype: type).reshape(2, 3).requires_grad_(true);
            Tensor value = loss(logits);
            double.IsFinite(Value(value)).Should().BeTrue();
            value.backward();
            double[] gradient = logits.grad!.to(ScalarType.Float64).Values<double>();
            gradient.Should().OnlyContain(g => double.IsFinite(g));
            gradient[2].Should().BeApproximately(0, 1e-12);

            // Where a finite difference is defined, it is the same: at logits that are finite, in a type that resolves a step.
            for (int i = 0; type == ScalarType.Float64 && i < gradient.Length; i++)
            {
                if (double.IsFinite(logits.detach().Values<double>()[i]))
                {
                    gradient[i].Should().BeApproximately((At(i, 1e-6) - At(i, -1e-6)) / 2e-6, 1e-8);
                }
            }

            double At(int index, double step)
            {
                Tensor moved = logits.detach().clone();
                moved.view(-1)[index] += step;
                return Value(loss(moved));
            }
        }
    }

    [Fact]
    public void The_likelihood_of_1991_keeps_an_expert_that_underflowed_when_it_is_made_from_logits()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor logits = tensor(new[] { 0f, -200f }).reshape(1, 2);
        Tensor outputs = tensor(new[] { 1000f, 0f }).reshape(1, 2, 1);
        Tensor desired = zeros(1, 1);

        // The first expert is off by 1000, which costs 5·10⁵; the second is right, which costs its 200.
        Value(MixtureLikelihoodLoss.OfLogits(logits, outputs, desired)).Should().BeApproximately(200, 1e-3);
        Value(MixtureLikelihoodLoss.Compute(logits.softmax(-1), outputs, desired)).Should().BeApproximately(5e5, 1);
    }

    [Fact]
    public void The_sequence_loss_and_its_gradient_are_finite_when_all_affinities_of_a_token_underflow()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        Tensor logits = cat([full([1, 4], -200f), tensor(new[] { 1f, -1f, 0f, 0.5f }).reshape(1, 4)], 0).requires_grad_(true);
        Tensor loss = LoadBalancingLoss.SequenceWise(logits.sigmoid(), tensor(new long[] { 0, 0 }).reshape(2, 1));
        Value(loss).Should().BeApproximately(4 * 0.5 / (1 + (Sigmoid(-1) / Sigmoid(1)) + (Sigmoid(0) / Sigmoid(1)) + (Sigmoid(0.5) / Sigmoid(1))), 1e-6);
        loss.backward();
        logits.grad!.isfinite().all().item<bool>().Should().BeTrue();

        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    }

    private static double Value(Tensor scalar) => scalar.to(ScalarType.Float64).item<double>();
}
