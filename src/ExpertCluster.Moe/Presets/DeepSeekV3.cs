using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>DeepSeek-V3.</summary>
public static class DeepSeekV3
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "deepseek-v3",
        Year = 2024,
        Paper = "DeepSeek-AI: DeepSeek-V3 Technical Report. arXiv:2412.19437",
        Summary = "sigmoid affinities, best experts of the best groups, balanced by a bias instead of a loss",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "8",
            ["groups"] = "8 of experts, 4 kept, scored by their 2 best",
            ["selection"] = "affinity + bias",
            ["weights"] = "affinity / (sum + 1e-20) x 2.5",
            ["bias update"] = "0.001 (BiasedSigmoidScores.UpdateBias)",
            ["sequence-balance loss"] = "0.0001",
        },
        Differs =
        [
            "Groups fall back to 1 where the experts don't make 8.",
            "GateSettings.Groups names sequences for the loss; nothing else depends on it.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("deepseek-v3", nameof(GateSettings.TopK), nameof(GateSettings.Groups), nameof(GateSettings.ExpertGroups));
        int k = settings.Checked("deepseek-v3", settings.TopK ?? Math.Min(8, settings.Experts));
        int groups = settings.ExpertGroups ?? (settings.Experts % 8 == 0 && settings.Experts / 2 >= k ? 8 : 1);
        return new TokenChoiceGate("deepseek-v3", settings.Router(RouterInit.Normal), new RoutingPolicy
        {
            Score = new BiasedSigmoidScores(settings.Experts, settings.Type, settings.Device),
            Select = new GroupLimitedChoices(k, groups, Math.Max(groups / 2, 1)),
            Weights = new NormalisedWeights { Epsilon = 1e-20, Factor = 2.5 },
            Groups = settings.Groups,
            Losses = [LossTerm.SequenceWise(1e-4)],
        });
    }
}
