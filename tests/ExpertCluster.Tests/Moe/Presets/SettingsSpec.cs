using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using ExpertCluster.Tests.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Presets;

/// <summary>Each preset honours a setting or refuses it; none is ignored.</summary>
public sealed class SettingsSpec
{
    private const string WithGroups = "gshard switch glam st-moe megablocks flan-moe v-moe adamv-moe expert-choice deepseek-v3";

    /// <summary>A setting, how it is set, its value in words, and the presets that honour it.</summary>
    private static readonly (string Setting, Func<GateSettings, GateSettings> Change, string Value, string Honoured)[] Settings =
    [
        (nameof(GateSettings.TopK), s => s with { TopK = 3 }, "3", "shazeer-2017 fastermoe megablocks mixtral v-moe adamv-moe deepseek-v3"),
        (nameof(GateSettings.TopK), s => s with { TopK = 9 }, "9", ""),
        (nameof(GateSettings.TopK), s => s with { TopK = 0 }, "0", ""),
        (nameof(GateSettings.CapacityFactor), s => s with { CapacityFactor = 1.5 }, "1*5", "gshard switch glam st-moe megablocks flan-moe v-moe adamv-moe expert-choice"),
        (nameof(GateSettings.CapacityFactor), s => s with { CapacityFactor = 1.5, Dropless = true }, "1*5", ""),
        (nameof(GateSettings.Groups), s => s with { Groups = 4 }, "4", WithGroups),
        (nameof(GateSettings.Estimator), s => s with { Estimator = GradientKind.Reinforce }, "Reinforce", "conditional-2014"),
        (nameof(GateSettings.Tasks), s => s with { Tasks = 2 }, "2", "adamv-moe"),
        (nameof(GateSettings.SlotsPerExpert), s => s with { SlotsPerExpert = 2 }, "2", "soft-moe"),
        (nameof(GateSettings.ExpertGroups), s => s with { ExpertGroups = 1 }, "1", "deepseek-v3"),
        (nameof(GateSettings.LocalExperts), s => s with { LocalExperts = [true, true, true, true, true, true, true, true] }, "8", "fastermoe"),
    ];

    public static TheoryData<string> Names => [.. GatePresets.All.Select(p => p.Name)];

    public static TheoryData<string> Learning => [.. GatePresets.All.Select(p => p.Name).Where(name => name != "base-hash")];

    public static TheoryData<string> Grouped => [.. WithGroups.Split(' ')];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_setting_is_honoured_or_refused_with_preset_setting_and_value(string preset)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        foreach ((string setting, Func<GateSettings, GateSettings> change, string value, string honoured) in Settings)
        {
            Action create = () => Batch.Create(preset, generator, change).Dispose();
            if (honoured.Split(' ').Contains(preset))
            {
                create.Should().NotThrow($"{preset} honours {setting}");
            }
            else
            {
                create.Should().Throw<ArgumentOutOfRangeException>().Which.Message
                    .Should().ContainAll(preset, setting).And.Match($"*{value}*");
            }
        }
    }

    [Theory]
    [InlineData("jacobs-1991")]
    [InlineData("deep-moe-2013")]
    public void A_dense_mixture_takes_a_k_of_all_experts_alone(string preset)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using Gate gate = Batch.Create(preset, generator, s => s with { TopK = 8 });
        gate.Route(new GateInput(ones(2, 6)), RoutingContext.Evaluation).Slots.Expert.shape.Should().Equal(2, 8);
        Action fewer = () => Batch.Create(preset, generator, s => s with { TopK = 7 });
        fewer.Should().Throw<ArgumentOutOfRangeException>().WithMessage($"*{preset}*8 experts*TopK is 7*");
    }

    [Fact]
    public void Experts_that_choose_may_leave_a_token_out_and_refuse_to_be_dropless()
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        Action create = () => Batch.Create("expert-choice", generator, s => s with { Dropless = true });
        create.Should().Throw<ArgumentOutOfRangeException>().WithMessage("*expert-choice*Dropless*");
    }

    [Theory]
    [MemberData(nameof(Grouped))]
    public void Tokens_that_make_no_equal_groups_are_refused(string preset)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using Gate gate = Batch.Create(preset, generator, s => s with { Groups = 4 });
        Action route = () => gate.Route(new GateInput(randn([6, 6], generator: generator)), new RoutingContext { Generator = generator });
        route.Should().Throw<ArgumentException>().WithMessage("*6 tokens don't make 4 equal groups*");
    }

    [Theory]
    [InlineData("expert-choice")]
    [InlineData("megablocks")]
    public void Groups_are_routed_as_if_alone(string preset)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        Tensor rows = randn([32, 6], generator: generator);
        rows[9] = rows[12]; // Ties within a group, and across groups below.
        rows[20] = rows[12];
        using Gate grouped = Batch.Create(preset, generator, s => s with { Groups = 4, CapacityFactor = 1 });
        using Gate alone = Batch.Create(preset, generator, s => s with { CapacityFactor = 1 });
        alone.load_state_dict(grouped.state_dict());
        SlotAssignment together = grouped.Route(new GateInput(rows), RoutingContext.Evaluation).Slots;
        for (int group = 0; group < 4; group++)
        {
            SlotAssignment one = alone.Route(new GateInput(rows.narrow(0, group * 8, 8)), RoutingContext.Evaluation).Slots;
            one.CombineWeights().eq(together.CombineWeights().narrow(0, group * 8, 8)).all().item<bool>().Should().BeTrue();
        }
    }

    [Theory]
    [MemberData(nameof(Learning))]
    public void A_frozen_gate_of_any_preset_has_no_parameter_that_learns(string preset)
    {
        LibTorch.Load();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using Gate frozen = Batch.Create(preset, generator, s => s with { Frozen = true });
        frozen.parameters().Should().NotBeEmpty().And.OnlyContain(p => !p.requires_grad);
        using Gate free = Batch.Create(preset, generator);
        free.parameters().Should().OnlyContain(p => p.requires_grad);
    }
}
