namespace ExpertCluster.Moe.Placement;

/// <summary>
/// FasterMoE's estimate of whether copying hot experts to every worker ("shadowing") pays for one iteration (He et al. 2022, PPoPP, section
/// 5.1; fastmoe <c>fastermoe/shadow_policy.py</c>). A pure function of loads; the defaults are that code's.
/// </summary>
public sealed record ShadowingModel
{
    private const int BytesPerValue = 4;

    /// <summary>Network bandwidth of a worker in bytes per second.</summary>
    public double Bandwidth { get; init; } = 6.25e9;

    /// <summary>Arithmetic speed of a worker in operations per second.</summary>
    public double Flops { get; init; } = 11.5e12;

    /// <summary>Inner width of an expert over its width.</summary>
    public double Alpha { get; init; } = 2;

    /// <summary>Width H of an expert.</summary>
    public int Hidden { get; init; } = 2048;

    /// <summary>Seconds of one iteration when the busiest worker has <paramref name="rows"/> rows and some experts are broadcast.</summary>
    /// <param name="rows">B_max, rows of the busiest expert that is not shadowed.</param>
    /// <param name="shadowed">Experts broadcast.</param>
    /// <returns>3·4αH²/flops·B + 4·(4H/bandwidth)·B + shadowed·2αH²·4/bandwidth.</returns>
    public double Seconds(double rows, int shadowed)
    {
        double square = Alpha * Hidden * Hidden;
        double compute = 4 * square / Flops;
        double exchange = (double)BytesPerValue * Hidden / Bandwidth;
        double broadcast = 2 * square * BytesPerValue / Bandwidth;
        return (3 * compute * rows) + (4 * exchange * rows) + (shadowed * broadcast);
    }

    /// <summary>Chooses the experts to shadow: hottest first, for as long as the estimate falls.</summary>
    /// <param name="load">Rows per expert, not negative.</param>
    /// <returns>The experts, hottest first, and the estimates without and with them. Of equally hot experts the lowest index comes first.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative load, or a constant that is not above 0.</exception>
    public ShadowingPlan Plan(IReadOnlyList<long> load)
    {
        ArgumentNullException.ThrowIfNull(load);
        foreach (double constant in (double[])[Bandwidth, Flops, Alpha, Hidden])
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(constant);
        }

        foreach (long rows in load)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(rows, nameof(load));
        }

        int[] hottest = [.. Enumerable.Range(0, load.Count).OrderByDescending(e => load[e])];
        double without = load.Count == 0 ? 0 : Seconds(load[hottest[0]], 0);
        double best = without;
        int count = 0;
        while (count + 1 < hottest.Length && Seconds(load[hottest[count + 1]], count + 1) is var next && next < best)
        {
            (best, count) = (next, count + 1);
        }

        return new ShadowingPlan(hottest[..count], without, best);
    }
}
