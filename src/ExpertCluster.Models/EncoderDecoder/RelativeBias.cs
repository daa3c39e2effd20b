using ExpertCluster.Moe.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>
/// T5's bias of relative positions (Raffel et al. 2020, arXiv:1910.10683, section 2.1): a learned score per head and bucket of distance,
/// shared by all layers of a stack.
/// </summary>
internal sealed class RelativeBias : IDisposable
{
    private readonly Tensor _table;
    private readonly int _buckets;
    private readonly int _largest;
    private readonly bool _bidirectional;

    /// <summary>Takes the table over.</summary>
    /// <param name="table">[buckets, heads], detached from any dispose scope.</param>
    /// <param name="buckets">Number of buckets.</param>
    /// <param name="largest">Distance from which on the last bucket holds.</param>
    /// <param name="bidirectional">Whether half of the buckets are for what comes later, as in an encoder.</param>
    public RelativeBias(Tensor table, int buckets, int largest, bool bidirectional)
    {
        using DisposeScope scope = NewDisposeScope();
        using (table)
        {
            // One more bucket for what may not be seen: mask and bias are one look-up.
            Tensor hidden = full([1, table.shape[1]], float.NegativeInfinity, ScalarType.Float32, table.device);
            _table = cat([table, hidden], 0).DetachFromDisposeScope();
        }

        (_buckets, _largest, _bidirectional) = (buckets, largest, bidirectional);
    }

    /// <summary>The bias of a block, [heads,count,keys]; the caller disposes it.</summary>
    /// <param name="position">Position of the first row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="keys">Keys, from position 0 on.</param>
    /// <param name="causal">Whether later keys are hidden.</param>
    public Tensor Block(int position, int count, int keys, bool causal)
    {
        using DisposeScope scope = NewDisposeScope();
        var indexes = new long[count * keys];
        for (int row = 0; row < count; row++)
        {
            for (int key = 0; key < keys; key++)
            {
                int distance = key - (position + row);
                indexes[(row * keys) + key] = causal && distance > 0
                    ? _buckets
                    : Bucket(distance);
            }
        }

        Tensor picked = _table.index_select(0, tensor(indexes, device: _table.device));
        return picked.view(count, keys, -1).permute(2, 0, 1).contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose() => _table.Dispose();

    private int Bucket(int distance) => _bidirectional
        ? RelativeBuckets.Bidirectional(distance, _buckets, _largest)
        : RelativeBuckets.Unidirectional(-distance, _buckets, _largest);
}
