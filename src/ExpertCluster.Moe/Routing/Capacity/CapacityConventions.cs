namespace ExpertCluster.Moe.Routing;

/// <summary>
/// The capacity rules of published code, by name. T tokens of a group, E experts, k choices, cf capacity factor. They differ in
/// rounding, in whether k counts, in a minimum and in a multiple.
/// </summary>
public static class CapacityConventions
{
    /// <summary>mesh-TF <c>moe.py</c>: no k.</summary>
    public static CapacityConvention MeshTf { get; } = new(
        "mesh-tf", "trunc(T·cf/E), at most T, then at least 4", (t, e, _, cf) => Math.Max(Math.Min(Math.Truncate(t * cf / e), t), 4));

    /// <summary>flaxformer <c>moe_layers.py</c>: no k.</summary>
    public static CapacityConvention Flaxformer { get; } = new(
        "flaxformer", "round half to even(cf·T/E), at least 4",
        (t, e, _, cf) => Math.Max(Math.Round(cf * t / e, MidpointRounding.ToEven), 4));

    /// <summary>lingvo <c>gshard_layers.py</c>: no k.</summary>
    public static CapacityConvention Lingvo { get; } = new(
        "lingvo", "trunc(T·cf/E); 0 becomes 4; up to a multiple of 4",
        (t, e, _, cf) => Math.Truncate(t * cf / e) is var c && c == 0 ? 4 : UpTo(c, 4));

    /// <summary>V-MoE <c>moe.py</c>: with k.</summary>
    public static CapacityConvention VMoe { get; } = new(
        "v-moe", "ceil(T·k·cf/E), up to a multiple of 4", (t, e, k, cf) => UpTo(Math.Ceiling(t * k * cf / e), 4));

    /// <summary>DeepSpeed <c>sharded_moe.py</c> with its configured minimum of 4: with k.</summary>
    public static CapacityConvention DeepSpeed { get; } = new(
        "deepspeed", "ceil(T/E·cf·k), at least 4", (t, e, k, cf) => Math.Max(Math.Ceiling((double)t / e * (cf * k)), 4));

    /// <summary>Tutel: with k.</summary>
    public static CapacityConvention Tutel { get; } = new(
        "tutel", "k·trunc(cf·ceil(T/E))", (t, e, k, cf) => k * Math.Truncate(cf * CeilingOf(t, e)))
    { ZeroIsUnlimited = true };

    /// <summary>MegaBlocks <c>layers/moe.py</c>: with k; 0 is dropless.</summary>
    public static CapacityConvention MegaBlocks { get; } = new(
        "megablocks", "trunc(cf·k·T/E); 0 = dropless", (t, e, k, cf) => Math.Truncate(cf * (k * t / (double)e)))
    { ZeroIsUnlimited = true };

    /// <summary>FastMoE's GShard gate: with k.</summary>
    public static CapacityConvention FastMoeGShard { get; } = new(
        "fastmoe-gshard", "floor(ceil(cf·T)·k/E)", (t, e, k, cf) => Math.Floor(Math.Ceiling(cf * t) * k / e));

    /// <summary>FastMoE's Switch gate: no k. Its code divides by the experts of one worker.</summary>
    public static CapacityConvention FastMoeSwitch { get; } = new(
        "fastmoe-switch", "ceil(cf·T/E)", (t, e, _, cf) => Math.Ceiling(cf * t / e));

    /// <summary>NLLB-MoE in training: neither cf nor a configured number.</summary>
    public static CapacityConvention NllbTrain { get; } = new("nllb-train", "2·ceil(T/E)", (t, e, _, _) => 2 * CeilingOf(t, e));

    /// <summary>NLLB-MoE in evaluation: cf is the fraction of tokens.</summary>
    public static CapacityConvention NllbEval { get; } = new("nllb-eval", "ceil(cf·T)", (t, _, _, cf) => Math.Ceiling(cf * t));

    /// <summary>A number from the configuration (HF Switch: <c>expert_capacity</c>), passed as cf.</summary>
    public static CapacityConvention Fixed { get; } = new("fixed", "cf slots, whatever T", (_, _, _, cf) => Math.Ceiling(cf));

    /// <summary>Every convention.</summary>
    public static IReadOnlyList<CapacityConvention> All { get; } =
        [MeshTf, Flaxformer, Lingvo, VMoe, DeepSpeed, Tutel, MegaBlocks, FastMoeGShard, NllbTrain, FastMoeSwitch, NllbEval, Fixed];

    /// <summary>A convention by its name.</summary>
    /// <exception cref="ArgumentException">There is none of that name; the message lists them.</exception>
    public static CapacityConvention Get(string name) =>
        All.FirstOrDefault(c => c.Name == name)
        ?? throw new ArgumentException($"There is no capacity convention \"{name}\"; there are {string.Join(", ", All.Select(c => c.Name))}.", nameof(name));

    private static double UpTo(double value, long multiple) => Math.Ceiling(value / multiple) * multiple;

    private static long CeilingOf(long a, int b) => (a + b - 1) / b;
}
