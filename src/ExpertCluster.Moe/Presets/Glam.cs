using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>GLaM.</summary>
public static class Glam
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "glam",
        Year = 2021,
        Paper = "Du et al.: GLaM: Efficient Scaling of Language Models with Mixture-of-Experts. arXiv:2112.06905",
        Summary = "top-2 in every other layer, gated dense layers between, same-index experts of all layers on one device",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "2",
            ["second expert"] = "threshold 0.5",
            ["evaluation"] = "draws the second expert too: RoutingContext.Generator must be set",
            ["capacity"] = "lingvo, 2.0, per group",
            ["load-balancing loss"] = "0.01",
            ["layers"] = "every other; dense ones GLU with GELU (TransformerBlock)",
            ["position"] = "relative bias per layer (RelativePositionBias)",
            ["placement"] = "ExpertColocation: same index together",
        },
        Differs =
        [
            "Evaluation draws as training does, which is mesh-TF's default for its random policy; RandomSecondChoice.InEvaluation turns that off.",
            "The router is GShard's, which the paper refers to.",
            "Co-location is a hint: the cluster follows it where memory, copies and exclusions permit, and splits what fits nowhere.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings) => GShard.Create("glam", settings, 0.5, 2.0, 2.0, settings.Router(RouterInit.Normal), LossTerm.FirstChoice(0.01));
}
