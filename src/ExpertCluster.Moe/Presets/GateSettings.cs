using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Moe.Presets;

/// <summary>What a preset is made for. Whatever is null comes from the preset; what a preset would ignore it refuses.</summary>
public sealed record GateSettings
{
    /// <summary>Width H of the rows.</summary>
    public required int Hidden { get; init; }

    /// <summary>Number of experts E.</summary>
    public required int Experts { get; init; }

    /// <summary>Source of random starts, on <see cref="Device"/>.</summary>
    public required Generator Generator { get; init; }

    /// <summary>Experts per token; a preset whose paper fixes it refuses another, and so do dense mixtures for anything but E.</summary>
    public int? TopK { get; init; }

    /// <summary>Capacity factor in training and evaluation; refused where there is no capacity.</summary>
    public double? CapacityFactor { get; init; }

    /// <summary>Lifts the capacity: nothing is dropped. Refused beside a capacity factor, and by <c>expert-choice</c>.</summary>
    public bool Dropless { get; init; }

    /// <summary>Groups of consecutive tokens routed apart; with deepseek-v3, sequences. Refused by presets that route all tokens together.</summary>
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

    /// <summary>
    /// Refuses every setting that a preset would ignore. All honour <see cref="Frozen"/>, <see cref="Type"/>, <see cref="Device"/> and the sizes;
    /// <see cref="Dropless"/> is honoured without being named where there is no capacity to lift.
    /// </summary>
    /// <param name="preset">The preset.</param>
    /// <param name="honoured">Names of the other settings that it reads.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another one is set; preset, setting and value are named.</exception>
    internal void Only(string preset, params ReadOnlySpan<string> honoured)
    {
        Refuse(nameof(TopK), TopK is not null, TopK, "it has no k of its own", honoured);
        Refuse(nameof(CapacityFactor), CapacityFactor is not null, CapacityFactor, "it has no capacity and drops nothing", honoured);
        Refuse(nameof(Groups), Groups != 1, Groups, "it routes all tokens together; route groups apart by one call each", honoured);
        Refuse(nameof(Estimator), Estimator != GradientKind.StraightThrough, Estimator, "conditional-2014 alone has a choice of estimators", honoured);
        Refuse(nameof(Tasks), Tasks != 1, Tasks, "adamv-moe alone has tasks", honoured);
        Refuse(nameof(SlotsPerExpert), SlotsPerExpert != 1, SlotsPerExpert, "soft-moe alone has slots", honoured);
        Refuse(nameof(ExpertGroups), ExpertGroups is not null, ExpertGroups, "deepseek-v3 alone has groups of experts", honoured);
        Refuse(nameof(LocalExperts), LocalExperts is not null, LocalExperts?.Count, "fastermoe alone looks at where experts are", honoured);
        if (Dropless && CapacityFactor is { } factor)
        {
            throw new ArgumentOutOfRangeException(
                nameof(CapacityFactor), factor, $"{preset} can not have the {nameof(CapacityFactor)} {factor} and be {nameof(Dropless)}: one lifts what the other sets.");
        }

        void Refuse(string setting, bool isSet, object? value, string why, ReadOnlySpan<string> known)
        {
            if (isSet && !known.Contains(setting))
            {
                throw new ArgumentOutOfRangeException(setting, value, $"{preset} does not honour {setting}, which is {value}: {why}.");
            }
        }
    }

    /// <summary>k of a preset whose paper fixes it.</summary>
    internal int ChoicesOf(string preset, int fixedAt)
    {
        if (TopK is { } k && k != fixedAt)
        {
            throw new ArgumentOutOfRangeException(
                nameof(TopK), k, $"{preset} sends a token to {fixedAt} {(fixedAt == 1 ? "expert" : "experts")}; {nameof(TopK)} is {k}.");
        }

        return Checked(preset, fixedAt);
    }

    /// <summary>A k within the number of experts.</summary>
    internal int Checked(string preset, int k) => k >= 1 && k <= Experts
        ? k
        : throw new ArgumentOutOfRangeException(
            nameof(TopK), k, $"{preset}: a token can go to 1 to {Experts} of {Experts} experts, not to {k} ({nameof(TopK)}).");

    internal CapacityPolicy? Capacity(CapacityConvention convention, double train, double evaluation) =>
        Dropless ? null : new CapacityPolicy(convention, CapacityFactor ?? train, CapacityFactor ?? evaluation);

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
