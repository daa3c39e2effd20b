using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>Soft MoE.</summary>
public static class SoftMoe
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "soft-moe",
        Year = 2023,
        Paper = "Puigcerver, Riquelme, Mustafa, Houlsby: From Sparse to Soft Mixtures of Experts. arXiv:2308.00951",
        Summary = "every slot is a weighted mean of all tokens, every token of all slots",
        Defaults = new Dictionary<string, string>
        {
            ["slots per expert"] = "1",
            ["normalisation"] = "unit rows and columns, learned scale",
            ["capacity"] = "none",
        },
        Differs =
        [
            "One group at a time: the caller routes images apart, and GateSettings.Groups is refused.",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("soft-moe", nameof(GateSettings.SlotsPerExpert));
        return new SoftGate(settings.Hidden, settings.Experts, settings.SlotsPerExpert, settings.Generator, settings.Type, settings.Device, settings.Frozen);
    }
}
