using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>Expert choice.</summary>
public static class ExpertChoice
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "expert-choice",
        Year = 2022,
        Paper = "Zhou et al.: Mixture-of-Experts with Expert Choice Routing. arXiv:2202.09368",
        Summary = "experts choose tokens: equal loads, no auxiliary loss",
        Defaults = new Dictionary<string, string>
        {
            ["capacity factor"] = "2: C = ceil(2 T/E), T of a group",
            ["weights"] = "the probability",
            ["overflow"] = "none: loads are equal by construction",
        },
        Differs =
        [
            "The variant that caps experts per token by a linear program is not built.",
            "C is rounded up and at most T.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("expert-choice", nameof(GateSettings.CapacityFactor), nameof(GateSettings.Groups));
        if (settings.Dropless)
        {
            throw new ArgumentOutOfRangeException(
                nameof(settings), true, "expert-choice does not honour Dropless, which is True: a token that no expert chooses is in none; raise CapacityFactor.");
        }

        return new ExpertChoiceGate(settings.Router(RouterInit.Normal), settings.CapacityFactor ?? 2, settings.Groups);
    }
}
