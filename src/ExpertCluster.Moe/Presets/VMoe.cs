using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>V-MoE.</summary>
public static class VMoe
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "v-moe",
        Year = 2021,
        Paper = "Riquelme et al.: Scaling Vision with Sparse Mixture of Experts. arXiv:2106.05974",
        Summary = "noisy top-k with fixed noise, batch-prioritised routing, importance and load losses",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "2",
            ["noise"] = "N(0, 1/E^2), training only, before the softmax",
            ["capacity"] = "v-moe, 1.05, per group",
            ["overflow"] = "batch priority",
            ["weights"] = "the noisy probabilities",
            ["importance loss"] = "0.005",
            ["load loss"] = "0.005",
        },
        Differs =
        [
            "Batch priority is the paper's option and on here.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("v-moe", nameof(GateSettings.TopK), nameof(GateSettings.CapacityFactor), nameof(GateSettings.Groups));
        return Create("v-moe", settings, settings.Checked("v-moe", settings.TopK ?? Math.Min(2, settings.Experts)));
    }

    /// <summary>V-MoE's router, which AdaMV-MoE has once per task.</summary>
    internal static TokenChoiceGate Create(string name, GateSettings settings, int k) =>
        new(name, settings.Router(RouterInit.Normal), new RoutingPolicy
        {
            Score = new FixedNoiseScores(),
            Select = new TopKChoices(k),
            Capacity = settings.Capacity(CapacityConventions.VMoe, 1.05, 1.05) is { } capacity
                ? capacity with { Priority = OverflowPriority.BatchPriority }
                : null,
            Weights = new ProbabilityWeights(),
            Groups = settings.Groups,
            Losses = [LossTerm.SoftmaxImportance(0.005), LossTerm.VMoeLoad(0.005)],
        });
}
