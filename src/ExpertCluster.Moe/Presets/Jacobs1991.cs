using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>The first mixture of experts.</summary>
public static class Jacobs1991
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "jacobs-1991",
        Year = 1991,
        Paper = "Jacobs, Jordan, Nowlan, Hinton: Adaptive Mixtures of Local Experts. Neural Computation 3(1)",
        Summary = "dense mixture of all experts by softmax, with a likelihood loss that makes experts compete",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "E",
            ["loss"] = "MixtureLikelihoodLoss: -log sum g exp(-|d-o|^2/2)",
            ["router start"] = "zero",
            ["capacity"] = "none",
        },
        Differs =
        [
            "Experts are any modules, not only linear maps.",
            "The likelihood loss is separate, since it needs targets: MixtureLikelihoodLoss.OfLogits, or Compute from gates.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("jacobs-1991", nameof(GateSettings.TopK));
        settings.ChoicesOf("jacobs-1991", settings.Experts);
        return new TokenChoiceGate("jacobs-1991", settings.Router(RouterInit.Zero), new RoutingPolicy
        {
            Score = new SoftmaxScores(),
            Select = new AllExperts(),
            Weights = new ProbabilityWeights(),
        });
    }
}
