using TorchSharp.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>
/// A learned bias per head and bucket of distance, added to attention scores (Raffel et al. 2020, arXiv:1910.10683, section 2.1). Half of the
/// buckets are single distances, the rest widens logarithmically. GLaM has one per layer instead of one for all.
/// </summary>
public sealed class RelativePositionBias : nn.Module
{
    private readonly Parameter _table;
    private readonly int _largest;

    /// <summary>Creates a bias that starts at zero.</summary>
    /// <param name="heads">Heads of the attention.</param>
    /// <param name="buckets">Number of buckets, at least 2.</param>
    /// <param name="largest">Distance from which on the last bucket holds; above <paramref name="buckets"/>/2.</param>
    /// <param name="type">Element type.</param>
    public RelativePositionBias(int heads, int buckets = 32, int largest = 128, ScalarType type = ScalarType.Float32)
        : base(nameof(RelativePositionBias))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(buckets, 2);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(largest, buckets / 2);
        (Buckets, _largest) = (buckets, largest);
        _table = new Parameter(zeros(buckets, heads, dtype: type));
        register_parameter("table", _table);
    }

    /// <summary>Number of buckets.</summary>
    public int Buckets { get; }

    /// <summary>The table, [buckets, heads].</summary>
    public Parameter Table => _table;

    /// <summary>The bucket of a distance into the past; 0 for the position itself and for anything later.</summary>
    public int BucketOf(int distance) => RelativeBuckets.Unidirectional(distance, Buckets, _largest);

    /// <summary>The bias of all pairs, [heads, S, S], query before key.</summary>
    public Tensor Forward(int length)
    {
        using var scope = NewDisposeScope();
        var buckets = new long[length * length];
        for (int i = 0; i < buckets.Length; i++)
        {
            buckets[i] = BucketOf((i / length) - (i % length));
        }

        Tensor index = tensor(buckets, device: _table.device);
        return _table.index_select(0, index).view(length, length, -1).permute(2, 0, 1).MoveToOuterDisposeScope();
    }
}
