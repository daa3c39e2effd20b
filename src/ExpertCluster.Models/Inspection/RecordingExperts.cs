namespace ExpertCluster.Models.Inspection;

/// <summary>Notes the gates' choices on their way to the experts. One step at a time.</summary>
internal sealed class RecordingExperts(IExpertBackend experts, int[] layers) : IExpertBackend
{
    private readonly ushort[][] _chosen = new ushort[layers.Length][];

    /// <summary>Experts chosen in the last step, [T,k] for each layer with experts.</summary>
    public IReadOnlyList<ushort[]> Chosen => _chosen;

    public Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct)
    {
        int index = Array.IndexOf(layers, layer);
        _chosen[index] = Array.ConvertAll(rows.Routing.Experts, expert => (ushort)expert);
        if (index == layers.Length - 1)
        {
            // No gate comes after: what these experts answer changes no choice.
            output.Span.Clear();
            return Task.CompletedTask;
        }

        return experts.ApplyAsync(layer, rows, output, ct);
    }
}
