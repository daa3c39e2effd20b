using System.Numerics;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Load;

/// <summary>What a device computed, by model and kind of batch. The device's thread counts; anyone may take.</summary>
internal sealed class BatchCounters
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Model, int Together, int Size), (long Products, long Rows, TimeSpan Compute)> _kinds = [];

    /// <summary>Experts computed together.</summary>
    /// <param name="model">Whose.</param>
    /// <param name="experts">How many, at least one.</param>
    /// <param name="rows">Rows of all of them, at least one for each.</param>
    /// <param name="computed">The device's time.</param>
    public void Add(string model, int experts, int rows, TimeSpan computed)
    {
        var kind = (model, BitOperations.Log2((uint)experts), BitOperations.Log2((uint)(rows / experts)));
        lock (_gate)
        {
            var sum = _kinds.GetValueOrDefault(kind);
            _kinds[kind] = (sum.Products + experts, sum.Rows + rows, sum.Compute + computed);
        }
    }

    /// <summary>All that was added since the last call.</summary>
    public ILookup<string, BatchWork> Take()
    {
        lock (_gate)
        {
            var taken = _kinds.ToLookup(
                kind => kind.Key.Model,
                kind => new BatchWork(
                    kind.Key.Together, kind.Key.Size, kind.Value.Products, kind.Value.Rows, (long)kind.Value.Compute.TotalMicroseconds));
            _kinds.Clear();
            return taken;
        }
    }
}
