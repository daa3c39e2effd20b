using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>Flan-MoE.</summary>
public static class FlanMoe
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "flan-moe",
        Year = 2023,
        Paper = "Shen et al.: Mixture-of-Experts Meets Instruction Tuning. arXiv:2305.14705",
        Summary = "instruction tuning of a GShard- or Switch-style model: expert dropout, optionally a frozen gate",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "2 (GShard style) or 1 (Switch style)",
            ["evaluation"] = "draws the second expert too where k is 2: RoutingContext.Generator must be set",
            ["capacity"] = "mesh-tf, 1.25 training, 2.0 evaluation",
            ["load-balancing loss"] = "0.01",
            ["z loss"] = "0.001",
            ["frozen gate"] = "GateSettings.Frozen",
            ["experts"] = "FeedForwardOptions.Dropout 0.2",
        },
        Differs =
        [
            "Evaluation draws as training does, which is mesh-TF's default for its random policy; RandomSecondChoice.InEvaluation turns that off.",
            "The paper studies both losses apart; both are on here.",
            "Dropout outside the experts (0.05) is the model's business.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("flan-moe", nameof(GateSettings.TopK), nameof(GateSettings.CapacityFactor), nameof(GateSettings.Groups));
        int k = settings.Checked("flan-moe", settings.TopK ?? Math.Min(2, settings.Experts));
        if (k > 2)
        {
            throw new ArgumentOutOfRangeException(nameof(settings), k, $"flan-moe tunes models with 1 or 2 experts per token; TopK is {k}.");
        }

        return new TokenChoiceGate("flan-moe", settings.Router(RouterInit.TruncatedNormal), new RoutingPolicy
        {
            Score = new SoftmaxScores(),
            Select = k == 2 ? new RandomSecondChoice(0.2) : new TopKChoices(1),
            Capacity = settings.Capacity(CapacityConventions.MeshTf, 1.25, 2.0),
            Weights = k == 2 ? new NormalisedWeights { Epsilon = 1e-9 } : new ProbabilityWeights(),
            Groups = settings.Groups,
            Losses = [LossTerm.FirstChoice(0.01), LossTerm.Z(1e-3)],
        });
    }
}
