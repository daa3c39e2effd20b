namespace ExpertCluster.Moe.Placement;

/// <summary>
/// A hint for whoever places experts: which of them, over layers, should share a device. GLaM puts the experts with the same index of all
/// layers together (Du et al. 2021, arXiv:2112.06905, section 4), so that a device holds whole columns.
/// </summary>
public sealed record ExpertColocation
{
    private ExpertColocation(IReadOnlyList<IReadOnlyList<(int Layer, int Expert)>> groups) => Groups = groups;

    /// <summary>Groups of (layer, expert) that belong on one device; every expert is in exactly one.</summary>
    public IReadOnlyList<IReadOnlyList<(int Layer, int Expert)>> Groups { get; }

    /// <summary>Same index, same device.</summary>
    /// <param name="layers">Indices of the layers with experts.</param>
    /// <param name="experts">Experts per layer.</param>
    public static ExpertColocation SameIndex(IReadOnlyList<int> layers, int experts)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        return new ExpertColocation(
            [.. Enumerable.Range(0, experts).Select(e => (IReadOnlyList<(int, int)>)[.. layers.Select(layer => (layer, e))])]);
    }
}
