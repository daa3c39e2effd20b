using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>Conditional computation with discrete choices.</summary>
public static class Conditional2014
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "conditional-2014",
        Year = 2014,
        Paper = "Cho, Bengio: Exponentially Increasing the Capacity-to-Computation Ratio for Conditional Computation. arXiv:1406.7362; estimators: Bengio, Leonard, Courville 2013, arXiv:1308.3432",
        Summary = "one expert per token, drawn at random in training; straight-through or REINFORCE gradient",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "1",
            ["training"] = "drawn from the probabilities",
            ["evaluation"] = "the most probable",
            ["estimator"] = "straight-through (or reinforce)",
            ["weight"] = "1",
        },
        Differs =
        [
            "The papers select weight matrices by bits of a hash-like gate, and units; here the unit of choice is an expert.",
            "Straight-through computes only the drawn expert, so the gradient of the others' probabilities comes through the softmax alone.",
        ],
        Gradient = GradientKind.StraightThrough,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("conditional-2014", nameof(GateSettings.TopK), nameof(GateSettings.Estimator));
        settings.ChoicesOf("conditional-2014", 1);
        if (settings.Estimator is not (GradientKind.StraightThrough or GradientKind.Reinforce))
        {
            throw new ArgumentOutOfRangeException(
                nameof(settings), settings.Estimator, "conditional-2014 learns by a straight-through gradient or by REINFORCE.");
        }

        return new TokenChoiceGate(
            "conditional-2014", settings.Router(RouterInit.Normal),
            new RoutingPolicy
            {
                Score = new SoftmaxScores(),
                Select = new SampledChoice(),
                Weights = new HardWeights(settings.Estimator == GradientKind.StraightThrough),
            },
            settings.Estimator);
    }
}
