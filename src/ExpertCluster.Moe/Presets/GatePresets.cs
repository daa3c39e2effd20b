namespace ExpertCluster.Moe.Presets;

/// <summary>Every preset, oldest first.</summary>
public static class GatePresets
{
    /// <summary>All presets in order of their years.</summary>
    public static IReadOnlyList<GatePreset> All { get; } =
    [
        Jacobs1991.Preset, DeepMoe2013.Preset, Conditional2014.Preset, Shazeer2017.Preset, GShard.Preset, Switch.Preset, Glam.Preset,
        StMoe.Preset, FasterMoe.Preset, MegaBlocks.Preset, FlanMoe.Preset, Mixtral.Preset, VMoe.Preset, AdaMvMoe.Preset,
        ExpertChoice.Preset, BaseHash.Preset, SoftMoe.Preset, DeepSeekV3.Preset,
    ];

    /// <summary>A preset by its name.</summary>
    /// <exception cref="ArgumentException">There is none of that name; the message lists them.</exception>
    public static GatePreset Get(string name) =>
        All.FirstOrDefault(p => p.Name == name)
        ?? throw new ArgumentException($"There is no preset \"{name}\"; there are {string.Join(", ", All.Select(p => p.Name))}.", nameof(name));
}
