using ExpertCluster.Moe.Layers;
using ExpertCluster.Moe.Placement;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using ExpertCluster.Tests.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Layers;

public sealed class LayersSpec
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_grouped_product_equals_one_product_per_group_forward_and_backward(ScalarType type)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        long[] counts = [3, 0, 5, 1];
        Tensor rows = randn([9, 16], generator: generator).to(type).requires_grad_(true);
        Tensor weights = randn([4, 16, 8], generator: generator).to(type).requires_grad_(true);
        Tensor product = GroupedProduct.Multiply(rows, weights, counts);
        product.to(ScalarType.Float32).pow(2).sum().backward();
        (Tensor rowGradient, Tensor weightGradient) = (rows.grad!.clone(), weights.grad!.clone());
        rows.grad.zero_();
        weights.grad!.zero_();
        Tensor expected = cat([rows.narrow(0, 0, 3).matmul(weights[0]), rows.narrow(0, 3, 5).matmul(weights[2]), rows.narrow(0, 8, 1).matmul(weights[3])], 0);
        expected.to(ScalarType.Float32).pow(2).sum().backward();
        Near(product, expected);
        Near(rowGradient, rows.grad!);
        Near(weightGradient, weights.grad!);
        Action wrong = () => GroupedProduct.Multiply(rows, weights, [3, 0, 5, 2]);
        wrong.Should().Throw<ArgumentException>().WithMessage("*4 groups of 10*");

        void Near(Tensor a, Tensor b) =>
            (a - b).to(ScalarType.Float32).abs().max().item<float>().Should().BeLessThan(type == ScalarType.Float32 ? 1e-3f : 1.5f);
    }

    [Fact]
    public void Selective_precision_routes_in_float32_beside_bf16_experts()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        using Gate gate = Batch.Create("switch", generator, s => s with { Hidden = 16 });
        using var layer = new MixtureLayer(gate, new FeedForwardExperts(new FeedForwardOptions
        {
            Experts = 8,
            Hidden = 16,
            Intermediate = 8,
            Generator = generator,
            Type = ScalarType.BFloat16,
            Dropout = 0.4,
        }));
        MixtureOutput output = layer.Forward(new GateInput(randn([10, 16], generator: generator).to(ScalarType.BFloat16)), RoutingContext.Train(generator));
        output.Routing.Slots.Weight.dtype.Should().Be(ScalarType.Float32);
        output.Rows.dtype.Should().Be(ScalarType.BFloat16);
        output.Rows.to(ScalarType.Float32).sum().backward();
        gate.parameters().Single().grad!.abs().sum().item<float>().Should().BePositive();
    }

    [Fact]
    public void Dropped_tokens_come_out_as_zero_for_the_residual_to_carry()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        using Gate gate = Batch.Create("switch", generator, s => s with { CapacityFactor = 0.1 });
        using var layer = new MixtureLayer(gate, Experts(generator));
        MixtureOutput output = layer.Forward(new GateInput(ones(64, 6)), RoutingContext.Evaluation);
        output.Rows.abs().sum([1L]).gt(0).sum().item<long>().Should().Be(4, "equal rows all want one expert, which has 4 slots");
    }

    [Fact]
    public void Truncated_normal_weights_stay_within_two_deviations_and_come_from_the_generator()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        float[] Draw(ulong seed)
        {
            using var generator = new Generator(seed, CPU);
            return WeightInit.TruncatedNormal([200, 100], 100, 0.1, generator).Values<float>();
        }

        float[] values = Draw(1);
        double sigma = Math.Sqrt(0.1 / 100);
        values.Should().OnlyContain(v => Math.Abs(v) <= 2 * sigma * 1.0001);
        // A normal cut at two deviations keeps 0.8796 of its own.
        Math.Sqrt(values.Average(v => (double)v * v)).Should().BeApproximately(0.8796 * sigma, 0.01 * sigma);
        Draw(1).Should().Equal(values);
        Draw(2).Should().NotEqual(values);
    }

    [Fact]
    public void Mixtures_stack_and_stand_between_lstm_layers_and_in_transformers()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        RoutingContext context = RoutingContext.Train(generator);
        using var stack = new StackedMixture([Layer("deep-moe-2013"), Layer("deep-moe-2013")]);
        IReadOnlyList<MixtureOutput> outputs = stack.Forward(randn([10, 6], generator: generator), context);
        outputs[^1].Rows.sum().backward();
        stack.parameters().Select(p => p.grad is not null).Should().OnlyContain(has => has);

        using var lstm = new LstmMixture(Layer("shazeer-2017"), generator);
        (Tensor rows, GateResult routing) = lstm.Forward(randn([2, 5, 6], generator: generator), context);
        rows.shape.Should().Equal(2, 5, 6);
        (rows.sum() + routing.TotalLoss!).backward();
        lstm.parameters().Select(p => p.grad is not null).Should().OnlyContain(has => has);

        using var glam = AlternatingStack.Create(
            GatePresets.Get("glam"), new GateSettings { Hidden = 8, Experts = 4, Generator = generator }, 4, 2, 5);
        glam.MixtureLayers.Should().Equal(1, 3);
        (Tensor decoded, IReadOnlyList<GateResult> decisions) = glam.Forward(randn([2, 5, 8], generator: generator), context);
        decoded.shape.Should().Equal(2, 5, 8);
        decisions.Should().HaveCount(2);
        decoded.sum().backward();

        MixtureLayer Layer(string preset) => new(Batch.Create(preset, generator), Experts(generator));
    }

    [Fact]
    public void Position_buckets_are_single_first_and_widen_later()
    {
        LibTorch.Load();
        using var bias = new RelativePositionBias(2);
        Enumerable.Range(-2, 18).Select(bias.BucketOf).Should().Equal(new[] { 0, 0 }.Concat(Enumerable.Range(0, 16)));
        bias.BucketOf(16).Should().Be(16);
        bias.BucketOf(127).Should().Be(31);
        bias.BucketOf(100_000).Should().Be(31);
    }

    [Fact]
    public void Same_index_experts_of_all_layers_belong_together()
    {
        ExpertColocation hint = ExpertColocation.SameIndex([1, 3], 4);
        hint.Groups.Should().HaveCount(4);
        hint.Groups[2].Should().Equal((1, 2), (3, 2));
    }

    [Fact]
    public void Shadowing_pays_for_hot_experts_and_stops_where_it_does_not()
    {
        var model = new ShadowingModel();
        model.Plan([1000, 1000, 1000, 1000]).Experts.Should().BeEmpty();
        ShadowingPlan plan = model.Plan([100, 60_000, 120, 40_000, 110]);
        plan.Experts.Should().Equal(1, 3);
        plan.SecondsWith.Should().BeLessThan(plan.SecondsWithout);
        plan.SecondsWithout.Should().BeApproximately(
            60_000 * ((3 * 4 * 2.0 * 2048 * 2048 / 11.5e12) + (4 * 4 * 2048 / 6.25e9)), 1e-9);
        model.Plan([]).Experts.Should().BeEmpty();
        Action negative = () => model.Plan([-1]);
        negative.Should().Throw<ArgumentOutOfRangeException>();
    }

    private static FeedForwardExperts Experts(Generator generator) =>
        new(new FeedForwardOptions { Experts = 8, Hidden = 6, Intermediate = 5, Generator = generator, InitScale = 1 });
}
