using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>Hash routing.</summary>
public static class BaseHash
{
    /// <summary>The preset.</summary>
    public static GatePreset Preset { get; } = new()
    {
        Name = "base-hash",
        Year = 2021,
        Paper = "Roller, Sukhbaatar, Szlam, Weston: Hash Layers For Large Sparse Models. arXiv:2106.04426; baseline of Lewis et al.: BASE Layers. arXiv:2103.16716",
        Summary = "a fixed hash of the token id chooses the expert; nothing to learn, no gradient",
        Defaults = new Dictionary<string, string>
        {
            ["k"] = "1",
            ["table"] = "random by seed 0 (HashTable.Balanced: by frequency)",
            ["weight"] = "1",
            ["capacity"] = "none",
        },
        Differs =
        [
            "BASE's balanced assignment by an auction is not built: it needs all tokens of all nodes at once.",
        ],
        Gradient = GradientKind.None,
        Create = Create,
    };

    private static Gate Create(GateSettings settings)
    {
        settings.Only("base-hash", nameof(GateSettings.TopK));
        settings.ChoicesOf("base-hash", 1);
        return new HashGate(HashTable.Random(settings.Vocabulary, settings.Experts, 0), settings.Experts, settings.Device);
    }
}
