using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>The sparsely-gated layer: between LSTM layers (<c>LstmMixture</c>) or in a Transformer (<c>TransformerBlock</c>).</summary>
public static class Shazeer2017
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "shazeer-2017",
        Year = 2017,
        Paper = "Shazeer et al.: Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer. arXiv:1701.06538",
        Summary = "noisy top-k with trainable noise, softmax over the kept logits, importance and load losses",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "4",
            ["noise"] = "N(0,1) (softplus(x W_noise) + 0.01), training only",
            ["router start"] = "zero",
            ["importance loss"] = "0.1",
            ["load loss"] = "0.1",
            ["capacity"] = "none",
        },
        Differs =
        [
            "The 0.01 under the noise is tensor2tensor's.",
            "Hierarchical gates are not built.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("shazeer-2017", nameof(GateSettings.TopK));
        int k = settings.Checked("shazeer-2017", settings.TopK ?? Math.Min(4, settings.Experts));
        return new TokenChoiceGate("shazeer-2017", settings.Router(RouterInit.Zero, learnNoise: true), new RoutingPolicy
        {
            Score = new LearnedNoiseScores(),
            Select = new TopKChoices(k),
            Weights = new ChosenSoftmaxWeights(),
            Losses = [LossTerm.GateImportance(0.1), LossTerm.ShazeerLoad(0.1)],
        });
    }
}
