namespace ExpertCluster.Moe.Layers;

/// <summary>
/// Buckets of relative positions (Raffel et al. 2020, arXiv:1910.10683, section 2.1): half of them are single distances, the other half
/// widens logarithmically up to a largest distance, and all that lies beyond shares the last. The logarithms are float32 and taken in the
/// order <c>ln(d/exact) / ln(largest/exact) · (buckets − exact)</c>, which decides at the borders between buckets.
/// </summary>
public static class RelativeBuckets
{
    /// <summary>The rule of decoders, which look only back.</summary>
    /// <param name="distance">Query position minus key position; anything below 0 counts as 0.</param>
    /// <param name="buckets">Number of buckets, at least 2.</param>
    /// <param name="largest">Distance from which on the last bucket holds; above <paramref name="buckets"/> ÷ 2.</param>
    /// <returns>0 to <paramref name="buckets"/> − 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Too few buckets, or a largest distance within the single ones.</exception>
    public static int Unidirectional(int distance, int buckets, int largest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buckets, 2);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(largest, buckets / 2);
        return Bucket(Math.Max(distance, 0), buckets, largest);
    }

    /// <summary>The rule of encoders: the first half of the buckets is for keys at and before the query, the second for keys after it.</summary>
    /// <param name="offset">Key position minus query position.</param>
    /// <param name="buckets">Number of buckets, at least 4 and even.</param>
    /// <param name="largest">Distance from which on the last bucket of a half holds; above <paramref name="buckets"/> ÷ 4.</param>
    /// <returns>0 to <paramref name="buckets"/> − 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Too few or an odd number of buckets, or a largest distance within the single ones.</exception>
    public static int Bidirectional(int offset, int buckets, int largest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buckets, 4);
        if (buckets % 2 != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(buckets), buckets, "Buckets for both directions must be an even number.");
        }

        int half = buckets / 2;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(largest, half / 2);
        return offset > 0 ? half + Bucket(offset, half, largest) : Bucket(offset == int.MinValue ? int.MaxValue : -offset, half, largest);
    }

    private static int Bucket(int distance, int buckets, int largest)
    {
        int exact = buckets / 2;
        if (distance < exact)
        {
            return distance;
        }

        float share = MathF.Log((float)distance / exact) / (float)Math.Log((double)largest / exact) * (buckets - exact);
        return Math.Min(exact + (int)share, buckets - 1);
    }
}
