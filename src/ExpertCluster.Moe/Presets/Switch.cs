using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>Switch Transformers.</summary>
public static class Switch
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "switch",
        Year = 2021,
        Paper = "Fedus, Zoph, Shazeer: Switch Transformers: Scaling to Trillion Parameter Models. arXiv:2101.03961",
        Summary = "top-1 with capacity, jitter, float32 router beside bf16 experts",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "1",
            ["capacity"] = "mesh-tf, 1.25 training, 2.0 evaluation",
            ["overflow"] = "choice-major",
            ["jitter"] = "0.01",
            ["weights"] = "the probability",
            ["load-balancing loss"] = "0.01",
            ["router start"] = "truncated normal, scale 0.1",
            ["experts"] = "FeedForwardOptions: InitScale 0.1, Dropout 0.4 when fine-tuning, Type bf16",
        },
        Differs =
        [
            "The truncated normal is not corrected for its cut.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("switch", nameof(GateSettings.TopK), nameof(GateSettings.CapacityFactor), nameof(GateSettings.Groups));
        int k = settings.ChoicesOf("switch", 1);
        return new TokenChoiceGate("switch", settings.Router(RouterInit.TruncatedNormal, jitter: 0.01), new RoutingPolicy
        {
            Score = new SoftmaxScores(),
            Select = new TopKChoices(k),
            Capacity = settings.Capacity(CapacityConventions.MeshTf, 1.25, 2.0),
            Weights = new ProbabilityWeights(),
            Groups = settings.Groups,
            Losses = [LossTerm.FirstChoice(0.01)],
        });
    }
}
