using ExpertCluster.Moe.Layers;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using ExpertCluster.Tests.Moe.Routing;
using TorchSharp;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Presets;

public sealed class PresetsSpec
{
    public static TheoryData<string> Names => [.. GatePresets.All.Select(p => p.Name)];

    [Fact]
    public void The_catalogue_is_complete_and_documented()
    {
        GatePresets.All.Select(p => p.Name).Should().BeEquivalentTo(
            "jacobs-1991", "deep-moe-2013", "conditional-2014", "shazeer-2017", "gshard", "switch", "glam", "st-moe", "fastermoe", "megablocks",
            "flan-moe", "mixtral", "v-moe", "adamv-moe", "expert-choice", "base-hash", "soft-moe", "deepseek-v3");
        foreach (GatePreset preset in GatePresets.All)
        {
            preset.Year.Should().BeInRange(1991, 2025);
            preset.Paper.Should().NotBeEmpty();
            preset.Defaults.Should().NotBeEmpty();
            preset.Differs.Should().NotBeEmpty();
        }

        Action unknown = () => GatePresets.Get("mixtrall");
        unknown.Should().Throw<ArgumentException>().WithMessage("*mixtral,*");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Evaluation_needs_a_generator_only_where_the_defaults_say_so(string preset)
    {
        bool said = GatePresets.Get(preset).Defaults.TryGetValue("evaluation", out string? words)
            && words.Contains("RoutingContext.Generator must be set", StringComparison.Ordinal);
        said.Should().Be(preset is "gshard" or "glam" or "st-moe" or "flan-moe");
        Run(preset, 8, (layer, generator) =>
        {
            GateInput input = Input(randn([4, 6], generator: generator));
            Action route = () => layer.Gate.Route(input, RoutingContext.Evaluation);
            if (!said)
            {
                route.Should().NotThrow();
                return;
            }

            route.Should().Throw<InvalidOperationException>().WithMessage("*RoutingContext.Generator*");
            var gate = (TokenChoiceGate)layer.Gate;
            gate.Policy = gate.Policy with { Select = new RandomSecondChoice(0.2) { InEvaluation = false } };
            route.Should().NotThrow("evaluation can be made deterministic");
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Zero_tokens_give_zero_rows_and_finite_losses(string preset)
    {
        Run(preset, 8, (layer, generator) =>
        {
            MixtureOutput output = layer.Forward(Input(zeros(0, 6)), RoutingContext.Train(generator));
            output.Rows.shape.Should().Equal(0, 6);
            output.Routing.Losses.Values.Should().OnlyContain(l => l.item<float>() == 0);
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void One_expert_is_a_dense_network_or_refused_where_two_are_needed(string preset)
    {
        if (preset is "gshard" or "glam" or "st-moe" or "fastermoe" or "mixtral")
        {
            Action create = () => Run(preset, 1, (_, _) => { });
            create.Should().Throw<ArgumentOutOfRangeException>().WithMessage("*1 to 1 of 1 experts, not to 2*");
            return;
        }

        Run(preset, 1, (layer, generator) =>
        {
            MixtureOutput output = layer.Forward(Input(randn([5, 6], generator: generator)), RoutingContext.Train(generator));
            output.Rows.isfinite().all().item<bool>().Should().BeTrue();
            output.Routing.Losses.Values.Should().OnlyContain(l => l.isfinite().item<bool>());
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Rows_of_another_shape_are_refused(string preset)
    {
        Run(preset, 8, (layer, generator) =>
        {
            RoutingContext context = RoutingContext.Train(generator);
            Action wide = () => layer.Forward(Input(zeros(5, 7)), context);
            wide.Should().Throw<ArgumentException>().WithMessage("*[5, 7]*");
            if (preset != "base-hash")
            {
                Action nan = () => layer.Forward(Input(full([5, 6], float.NaN)), context);
                nan.Should().Throw<NotFiniteNumberException>();
            }

            Action half = () => layer.Gate.Route(Input(zeros(5, 6)), context with { Precision = ScalarType.BFloat16 });
            half.Should().Throw<ArgumentException>().WithMessage("*float32 or float64*");
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Dropless_gates_drop_nothing_and_a_batch_of_one_equals_a_batch_of_many(string preset)
    {
        if (preset is "expert-choice" or "soft-moe")
        {
            return; // Both look at the whole batch, as their papers say.
        }

        Run(preset, 8, (layer, generator) =>
        {
            Tensor rows = randn([9, 6], generator: generator);
            using var draws = new Generator(1, CPU);
            RoutingContext context = new() { Generator = draws };
            Set(layer.Gate);
            MixtureOutput many = layer.Forward(Input(rows), context);
            (many.Routing.Slots.Kept is null || many.Routing.Slots.Kept.all().item<bool>()).Should().BeTrue();
            for (int token = 0; token < 9; token++)
            {
                MixtureOutput one = layer.Forward(Input(rows.narrow(0, token, 1), token), context);
                (one.Rows - many.Rows.narrow(0, token, 1)).abs().max().item<float>().Should().BeLessThan(1e-5f);
            }
        }, s => preset is "expert-choice" or "megablocks" ? s : s with { Dropless = true });

        static void Set(Gate gate)
        {
            // Which second experts are used is drawn per call; this is about the batch.
            if (gate is TokenChoiceGate { Policy.Select: RandomSecondChoice } token)
            {
                token.Policy = token.Policy with { Select = new TopKChoices(2) };
            }
        }
    }

    [Fact]
    public void Fastermoe_weighs_experts_at_home_by_their_logits_when_a_far_one_takes_all_probability()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var gate = (TokenChoiceGate)GatePresets.Get("fastermoe").Create(
            new GateSettings { Hidden = 1, Experts = 4, Generator = generator, TopK = 2, LocalExperts = [false, true, true, true] });
        using (no_grad())
        {
            gate.Router.Weight.copy_(tensor(new float[] { 200, 0, 0, 0 }).reshape(4, 1));
        }

        GateResult result = gate.Route(new GateInput(ones(3, 1)), RoutingContext.Train(generator));
        result.Slots.Weight.Values<float>().Should().OnlyContain(w => w == 0.5f);
        (result.Slots.Weight.sum() + result.TotalLoss!).backward();
        gate.Router.Weight.grad!.isfinite().all().item<bool>().Should().BeTrue();
    }

    [Theory]
    [InlineData("jacobs-1991")]
    [InlineData("megablocks")]
    [InlineData("mixtral")]
    [InlineData("deepseek-v3")]
    [InlineData("v-moe")]
    [InlineData("soft-moe")]
    [InlineData("expert-choice")]
    public void Permuting_tokens_permutes_the_output(string preset)
    {
        Run(preset, 8, (layer, generator) =>
        {
            Tensor rows = randn([16, 6], generator: generator);
            Tensor order = randperm(16, ScalarType.Int64, generator: generator);
            Tensor straight = layer.Forward(Input(rows), RoutingContext.Evaluation).Rows.index_select(0, order);
            Tensor permuted = layer.Forward(Input(rows.index_select(0, order)), RoutingContext.Evaluation).Rows;
            (straight - permuted).abs().max().item<float>().Should().BeLessThan(1e-5f);
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Routing_leaves_no_tensor_behind(string preset)
    {
        Run(preset, 8, (layer, generator) =>
        {
            GateInput input = Input(randn([9, 6], generator: generator));
            var counts = new List<long>();
            for (int i = 0; i < 3; i++)
            {
                layer.Gate.Route(input, RoutingContext.Train(generator)).Dispose();
                counts.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            }

            counts[2].Should().Be(counts[1]);
        });
    }

    [Theory]
    [InlineData("mixtral", 9)]
    [InlineData("mixtral", 0)]
    [InlineData("shazeer-2017", 9)]
    [InlineData("deepseek-v3", 9)]
    [InlineData("switch", 2)]
    [InlineData("gshard", 1)]
    [InlineData("adamv-moe", 9)]
    [InlineData("soft-moe", 2)]
    [InlineData("expert-choice", 2)]
    public void A_k_the_scheme_can_not_have_is_refused(string preset, int k)
    {
        Action create = () => Run(preset, 8, (_, _) => { }, s => s with { TopK = k });
        create.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData("switch", 0)]
    [InlineData("gshard", -1)]
    [InlineData("v-moe", double.NaN)]
    [InlineData("expert-choice", 0)]
    [InlineData("megablocks", -1)]
    [InlineData("mixtral", 1.25)]
    public void A_capacity_factor_the_scheme_can_not_have_is_refused(string preset, double factor)
    {
        Action create = () => Run(preset, 8, (_, _) => { }, s => s with { CapacityFactor = factor });
        create.Should().Throw<ArgumentOutOfRangeException>();
    }

    private static GateInput Input(Tensor rows, int firstId = 0) =>
        new(rows) { TokenIds = arange(firstId, firstId + rows.shape[0], dtype: ScalarType.Int64) };

    private static void Run(
        string preset, int experts, Action<MixtureLayer, Generator> check, Func<GateSettings, GateSettings>? change = null)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(23, CPU);
        Gate gate = Batch.Create(preset, generator, s => (change ?? (same => same))(s with { Experts = experts }));
        using var layer = new MixtureLayer(gate, new FeedForwardExperts(new FeedForwardOptions
        {
            Experts = experts,
            Hidden = 6,
            Intermediate = 5,
            Generator = generator,
            InitScale = 1,
        }));
        check(layer, generator);
    }
}
