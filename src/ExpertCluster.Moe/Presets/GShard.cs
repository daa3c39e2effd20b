using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>GShard.</summary>
public static class GShard
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "gshard",
        Year = 2020,
        Paper = "Lepikhin et al.: GShard: Scaling Giant Models with Conditional Computation and Automatic Sharding. arXiv:2006.16668",
        Summary = "top-2 with a random second expert, capacity per group, overflow to the residual",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "2",
            ["second expert"] = "used when 2 g2 > U(0,1): threshold 0.5 (mesh-TF and ST-MoE: 0.2)",
            ["evaluation"] = "draws the second expert too: RoutingContext.Generator must be set",
            ["capacity"] = "lingvo, 2.0, per group",
            ["overflow"] = "choice-major",
            ["weights"] = "g/(g1+g2) before drops",
            ["load-balancing loss"] = "0.01",
            ["layers"] = "FFN of every other layer",
        },
        Differs =
        [
            "Evaluation draws as training does, which is mesh-TF's default for its random policy; RandomSecondChoice.InEvaluation turns that off.",
            "The capacity factor is lingvo's 2.0 over T/E; the paper writes 2N/E.",
            "The auxiliary loss is scaled to 1 at uniform (E times the paper's mean of products).",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings) => Create("gshard", settings, 0.5, 2.0, 2.0, settings.Router(RouterInit.Normal), LossTerm.FirstChoice(0.01));

    /// <summary>Top-2 with a random second expert, shared by the schemes that descend from GShard.</summary>
    internal static TokenChoiceGate Create(
        string name, GateSettings settings, double threshold, double train, double evaluation, LinearRouter router, params LossTerm[] losses)
    {
        settings.Only(name, nameof(GateSettings.TopK), nameof(GateSettings.CapacityFactor), nameof(GateSettings.Groups));
        settings.ChoicesOf(name, 2);
        return new TokenChoiceGate(name, router, new RoutingPolicy
        {
            Score = new SoftmaxScores(),
            Select = new RandomSecondChoice(threshold),
            Capacity = settings.Capacity(CapacityConventions.Lingvo, train, evaluation),
            Weights = new NormalisedWeights { Epsilon = 1e-9 },
            Groups = settings.Groups,
            Losses = losses,
        });
    }
}
