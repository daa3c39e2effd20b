using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>FasterMoE's topology-aware gate.</summary>
public static class FasterMoe
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "fastermoe",
        Year = 2022,
        Paper = "He et al.: FasterMoE: Modeling and Optimizing Training of Large-Scale Dynamic Pre-Trained Models. PPoPP 2022",
        Summary = "top-2 that keeps traffic between nodes within a share; a performance model for shadowing",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "2",
            ["outgoing share"] = "0.14 of a node's tokens",
            ["weights"] = "sum to 1",
            ["load-balancing loss"] = "0.01",
            ["shadowing"] = "ShadowingModel",
        },
        Differs =
        [
            "Each node limits its own share; the code balances links pairwise.",
            "The code scales its GShard loss by the square of the experts; here it is 1 at uniform.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("fastermoe", nameof(GateSettings.TopK), nameof(GateSettings.LocalExperts));
        int k = settings.Checked("fastermoe", settings.TopK ?? 2);
        IReadOnlyList<bool> local = settings.LocalExperts ?? [.. Enumerable.Repeat(true, settings.Experts)];
        return new TokenChoiceGate("fastermoe", settings.Router(RouterInit.Normal), new RoutingPolicy
        {
            Score = new SoftmaxScores { RankByLogits = true },
            Select = new TopologyLimitedChoices(k, local),

            // Renormalised probabilities are the softmax of the chosen logits, but those of a node's own experts may all underflow.
            Weights = new ChosenSoftmaxWeights(),
            Losses = [LossTerm.FirstChoice(0.01)],
        });
    }
}
