using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>One gate of a deep mixture.</summary>
public static class DeepMoe2013
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "deep-moe-2013",
        Year = 2013,
        Paper = "Eigen, Ranzato, Sutskever: Learning Factored Representations in a Deep Mixture of Experts. arXiv:1312.4314",
        Summary = "stacked dense mixtures, each with its own gate, and a constraint on assignments that balances early training",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "E",
            ["margin m"] = "100 tokens of weight",
            ["constraint"] = "in training, until lifted",
            ["stack"] = "Layers.StackedMixture",
        },
        Differs =
        [
            "The paper gives no margin; 100 is ours.",
            "A row whose logits mask all open experts keeps its closed ones.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("deep-moe-2013", nameof(GateSettings.TopK));
        settings.ChoicesOf("deep-moe-2013", settings.Experts);
        return new TokenChoiceGate("deep-moe-2013", settings.Router(RouterInit.TruncatedNormal), new RoutingPolicy
        {
            Score = new BalancedStartScores(settings.Experts, device: settings.Device),
            Select = new AllExperts(),
            Weights = new ProbabilityWeights(),
        });
    }
}
