using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>Mixtral.</summary>
public static class Mixtral
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "mixtral",
        Year = 2024,
        Paper = "Jiang et al.: Mixtral of Experts. arXiv:2401.04088",
        Summary = "top-k of the softmax, renormalised; SwiGLU experts",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "2",
            ["weights"] = "sum to 1",
            ["capacity"] = "none",
            ["load-balancing loss"] = "0.02, per choice",
            ["experts"] = "SwiGLU",
        },
        Differs =
        [
            "Serving uses TopKGate, the same policy on the host.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("mixtral", nameof(GateSettings.TopK));
        int k = settings.Checked("mixtral", settings.TopK ?? 2);
        return new TokenChoiceGate("mixtral", settings.Router(RouterInit.Normal), new RoutingPolicy
        {
            Score = new SoftmaxScores(),
            Select = new TopKChoices(k),
            Weights = new NormalisedWeights(),
            Losses = [LossTerm.PerChoice(0.02)],
        });
    }
}
