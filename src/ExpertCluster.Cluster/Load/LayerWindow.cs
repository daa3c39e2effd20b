namespace ExpertCluster.Cluster.Load;

/// <summary>Decayed demand for one layer's experts: what was restored, and what was counted since. Prompts' rows first, then generated tokens'.</summary>
internal sealed class LayerWindow(int experts, double halfLife)
{
    /// <summary>How much shorter the half-life of the latest rows is: when a change of load is confirmed, a fraction of a per cent of them came before it.</summary>
    private const double Sharpness = 5;

    private readonly DecayingCounts _restored = new(2 * experts, halfLife);
    private readonly DecayingCounts _counted = new(2 * experts, halfLife);
    private readonly DecayingCounts _latest = new(2 * experts, halfLife / Sharpness);
    private DateTimeOffset _restoredFrom = DateTimeOffset.MinValue;

    public int Experts => experts;

    public void Add(double now, int expert, long prefill, long decode)
    {
        _counted.Add(now, expert, prefill);
        _counted.Add(now, experts + expert, decode);
        _latest.Add(now, expert, prefill);
        _latest.Add(now, experts + expert, decode);
    }

    /// <summary>Rows of each expert in a phase, of the latest time only.</summary>
    public double[] Latest(double now, LoadPhase phase) =>
        _latest.At(now).Slice(phase == LoadPhase.Prefill ? 0 : experts, experts).ToArray();

    /// <summary>Rows of each expert in a phase.</summary>
    public double[] Rows(double now, LoadPhase phase)
    {
        var first = phase == LoadPhase.Prefill ? 0 : experts;
        var restored = _restored.At(now);
        var counted = _counted.At(now);
        var rows = new double[experts];
        for (var i = 0; i < experts; i++)
        {
            rows[i] = restored[first + i] + counted[first + i];
        }

        return rows;
    }

    /// <summary>Takes what a former balancer knew, unless something newer was taken before. Time in between does not count.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool Restore(double now, DateTimeOffset from, double[] values)
    {
        if (from <= _restoredFrom)
        {
            return false;
        }

        _restoredFrom = from;
        _restored.Set(now, values);
        return true;
    }
}
