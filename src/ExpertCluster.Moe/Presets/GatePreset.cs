using ExpertCluster.Moe.Routing;

namespace ExpertCluster.Moe.Presets;

/// <summary>A routing scheme of the literature under its name.</summary>
public sealed record GatePreset
{
    /// <summary>Its name in configurations.</summary>
    public required string Name { get; init; }

    /// <summary>Authors, title and where to find it.</summary>
    public required string Paper { get; init; }

    /// <summary>Year of the paper.</summary>
    public required int Year { get; init; }

    /// <summary>What it is in one line.</summary>
    public required string Summary { get; init; }

    /// <summary>Its defaults by name, as people write them.</summary>
    public required IReadOnlyDictionary<string, string> Defaults { get; init; }

    /// <summary>What differs from the paper, or was chosen where the paper is silent.</summary>
    public required IReadOnlyList<string> Differs { get; init; }

    /// <summary>How the gate learns from the task's loss.</summary>
    public required GradientKind Gradient { get; init; }

    /// <summary>Makes a gate; the caller disposes it.</summary>
    /// <remarks>Throws <see cref="ArgumentOutOfRangeException"/> for a k, a capacity factor or sizes that the scheme can not have.</remarks>
    public required Func<GateSettings, Gate> Create { get; init; }
}
