using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>AdaMV-MoE.</summary>
public static class AdaMvMoe
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "adamv-moe",
        Year = 2023,
        Paper = "Chen et al.: AdaMV-MoE: Adaptive Multi-Task Vision Mixture-of-Experts. ICCV 2023",
        Summary = "a router per task over shared experts; k per task follows its validation loss",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "starts at 2, grows to at most E (TopK sets the start)",
            ["patience"] = "3 evaluations",
            ["least gain"] = "0.001, relative",
            ["router"] = "as v-moe",
        },
        Differs =
        [
            "The paper gives no constants for when k changes: patience, step and stopping are ours (AdaptiveChoices).",
        ],
        Gradient = GradientKind.Exact,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("adamv-moe", nameof(GateSettings.TopK), nameof(GateSettings.CapacityFactor), nameof(GateSettings.Groups), nameof(GateSettings.Tasks));
        int k = settings.Checked("adamv-moe", settings.TopK ?? Math.Min(2, settings.Experts));
        if (settings.Tasks < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(settings), settings.Tasks, "adamv-moe needs at least 1 task.");
        }

        TokenChoiceGate[] tasks = [.. Enumerable.Range(0, settings.Tasks).Select(_ => VMoe.Create("adamv-moe-task", settings, k))];
        return new TaskGate(tasks, [.. tasks.Select(_ => new AdaptiveChoices(k, settings.Experts))]);
    }
}
