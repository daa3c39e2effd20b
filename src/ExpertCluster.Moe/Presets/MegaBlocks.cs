using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>MegaBlocks.</summary>
public static class MegaBlocks
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "megablocks",
        Year = 2022,
        Paper = "Gale, Narayanan, Young, Zaharia: MegaBlocks: Efficient Sparse Training with Mixture-of-Experts. arXiv:2211.15841",
        Summary = "dropless: groups of any size, no padding, one grouped product per layer",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "1",
            ["capacity"] = "none; CapacityFactor above 0 gives the padded variant, per group, token-major",
            ["weights"] = "the probability",
            ["load-balancing loss"] = "0.1",
            ["products"] = "GroupedProduct",
        },
        Differs =
        [
            "Block-sparse kernels are replaced by libtorch's grouped product (bf16), or one product per expert.",
            "The loss is per layer; the code adds up layers and divides by their number.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("megablocks", nameof(GateSettings.TopK), nameof(GateSettings.CapacityFactor), nameof(GateSettings.Groups));
        int k = settings.Checked("megablocks", settings.TopK ?? 1);
        return new TokenChoiceGate("megablocks", settings.Router(RouterInit.Normal), new RoutingPolicy
        {
            Score = new SoftmaxScores(),
            Select = new TopKChoices(k),
            Capacity = settings.CapacityFactor is { } factor
                ? new CapacityPolicy(CapacityConventions.MegaBlocks, factor, factor) { Priority = OverflowPriority.TokenMajor }
                : null,
            Weights = new ProbabilityWeights(),
            Groups = settings.Groups,
            Losses = [LossTerm.MegaBlocks(0.1)],
        });
    }
}
