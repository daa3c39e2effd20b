using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Moe.Presets;

/// <summary>What a preset is made for. Whatever is null comes from the preset.</summary>
public sealed record GateSettings
{
    /// <summary>Width H of the rows.</summary>
    public required int Hidden { get; init; }

    /// <summary>Number of experts E.</summary>
    public required int Experts { get; init; }

    /// <summary>Source of random starts, on <see cref="Device"/>.</summary>
    public required Generator Generator { get; init; }

    /// <summary>Experts per token; a preset whose paper fixes it refuses another.</summary>
    public int? TopK { get; init; }

    /// <summary>Capacity factor in training and evaluation.</summary>
    public double? CapacityFactor { get; init; }

    /// <summary>Lifts the capacity: nothing is dropped.</summary>
    public bool Dropless { get; init; }

    /// <summary>Groups of consecutive tokens routed apart; with deepseek-v3, sequences.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Whether the router's weights stay as they are.</summary>
    public bool Frozen { get; init; }

    /// <summary>Type of the router's weights: float32 or float64.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>Device; null for the CPU.</summary>
    public Device? Device { get; init; }

    /// <summary>How <c>conditional-2014</c> learns.</summary>
    public GradientKind Estimator { get; init; } = GradientKind.StraightThrough;

    /// <summary>Tasks of <c>adamv-moe</c>.</summary>
    public int Tasks { get; init; } = 1;

    /// <summary>Slots per expert of <c>soft-moe</c>.</summary>
    public int SlotsPerExpert { get; init; } = 1;

    /// <summary>Token ids of <c>base-hash</c>.</summary>
    public int Vocabulary { get; init; } = 32000;

    /// <summary>Groups of experts of <c>deepseek-v3</c>; null for 8, or 1 where 8 don't fit.</summary>
    public int? ExpertGroups { get; init; }

    /// <summary>[E], which experts are on the tokens' node, for <c>fastermoe</c>; null for all.</summary>
    public IReadOnlyList<bool>? LocalExperts { get; init; }

    internal int ChoicesOf(string preset, int fixedAt)
    {
        if (TopK is { } k && k != fixedAt)
        {
            throw new ArgumentOutOfRangeException(nameof(TopK), k, $"{preset} sends a token to {fixedAt} {(fixedAt == 1 ? "expert" : "experts")}.");
        }

        return Checked(fixedAt);
    }

    internal int Checked(int k) => k >= 1 && k <= Experts
        ? k
        : throw new ArgumentOutOfRangeException(nameof(TopK), k, $"A token can go to 1 to {Experts} of {Experts} experts, not to {k}.");

    internal CapacityPolicy? Capacity(CapacityConvention convention, double train, double evaluation) =>
        Dropless ? null : new CapacityPolicy(convention, CapacityFactor ?? train, CapacityFactor ?? evaluation);

    internal void RefuseCapacity(string preset)
    {
        if (CapacityFactor is not null)
        {
            throw new ArgumentOutOfRangeException(nameof(CapacityFactor), CapacityFactor, $"{preset} has no capacity: it drops nothing.");
        }
    }

    internal LinearRouter Router(RouterInit init, double jitter = 0, bool learnNoise = false) => new(Hidden, Experts, new RouterOptions
    {
        Init = init,
        Generator = Generator,
        Jitter = jitter,
        LearnNoise = learnNoise,
        Frozen = Frozen,
        Type = Type,
        Device = Device,
    });
}
