using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Tests.Embedded;

/// <summary>What a layer without one of its experts should answer, from all experts of this process: weight 0 for the lost one, and for the token's others
/// what was its, in proportion.</summary>
internal sealed class SurvivingExperts(IExpertBackend all, int layer, int lost) : IExpertBackend
{
    /// <summary>Rows that had chosen it.</summary>
    public int Degraded { get; private set; }

    public Task ApplyAsync(int at, RoutedRows rows, Memory<float> output, CancellationToken ct)
    {
        if (at != layer)
        {
            return all.ApplyAsync(at, rows, output, ct);
        }

        var (routing, weights) = (rows.Routing, rows.Routing.Weights.ToArray());
        for (var first = 0; first < weights.Length; first += routing.TopK)
        {
            var slots = Enumerable.Range(first, routing.TopK).ToArray();
            var left = slots.Where(slot => routing.Experts[slot] != lost).ToArray();
            Degraded += left.Length < slots.Length ? 1 : 0;
            var growth = slots.Sum(slot => (double)routing.Weights[slot]) / left.Sum(slot => (double)routing.Weights[slot]);
            foreach (var slot in slots)
            {
                weights[slot] = left.Length == slots.Length ? weights[slot] : left.Contains(slot) ? (float)(weights[slot] * growth) : 0;
            }
        }

        return all.ApplyAsync(at, rows with { Routing = routing with { Weights = weights } }, output, ct);
    }
}
