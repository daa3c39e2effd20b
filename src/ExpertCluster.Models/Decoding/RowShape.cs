namespace ExpertCluster.Models.Decoding;

/// <summary>Sizes of grouped attention.</summary>
/// <param name="KvHeads">Key-value heads.</param>
/// <param name="Group">Query heads that share one.</param>
/// <param name="Width">Width of a head.</param>
internal readonly record struct RowShape(int KvHeads, int Group, int Width)
{
    /// <summary>Products of one row with so many keys.</summary>
    public long Products(int keys) => (long)KvHeads * Group * Width * keys;
}
