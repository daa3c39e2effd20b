namespace ExpertCluster.Models.Generation;

/// <summary>
/// Selection among tokens ordered by logit, the lower id first among equals. A token is one 64-bit key whose unsigned order is that
/// order, so nothing is sorted through indices.
/// </summary>
internal static class LogitOrder
{
    /// <summary>The key: the logit's bits made monotonic, then the complement of the id.</summary>
    public static ulong Key(float logit, int id)
    {
        // Adding zero turns −0 into +0, which is its equal.
        int bits = BitConverter.SingleToInt32Bits(logit + 0f);
        uint ordered = (uint)bits ^ (bits < 0 ? uint.MaxValue : 0x80000000);
        return ((ulong)ordered << 32) | ~(uint)id;
    }

    /// <summary>Id of the token with this key.</summary>
    public static int IdOf(ulong key) => (int)~(uint)key;

    /// <summary>Keys of all tokens.</summary>
    public static int All(ReadOnlySpan<float> logits, Span<ulong> keys)
    {
        for (int id = 0; id < logits.Length; id++) keys[id] = Key(logits[id], id);
        return logits.Length;
    }

    /// <summary>
    /// Keys of the tokens that can belong to the smallest set of probability <paramref name="topP"/>: the tokens lighter than
    /// (1 − p) / V of <paramref name="total"/> weigh less than 1 − p together, so none of them is in it. That usually leaves a few.
    /// </summary>
    public static int Likely(ReadOnlySpan<float> logits, ReadOnlySpan<float> weights, double total, float topP, Span<ulong> keys)
    {
        // Half the bound leaves room for rounding.
        float bound = (float)((1.0 - topP) * total / weights.Length / 2);
        int count = 0;
        for (int id = 0; id < logits.Length; id++)
            if (weights[id] >= bound) keys[count++] = Key(logits[id], id);
        return count;
    }

    /// <summary>Total weight of the tokens, summed in double.</summary>
    public static double Mass(ReadOnlySpan<ulong> keys, ReadOnlySpan<float> weights)
    {
        double mass = 0;
        foreach (ulong key in keys) mass += Weight(key, weights);
        return mass;
    }

    /// <summary>
    /// The least key of the shortest run from the top whose weights reach <paramref name="target"/>; empty weights count 1 each.
    /// Quickselect: linear on average, and it reorders <paramref name="keys"/>.
    /// </summary>
    public static ulong LeastReaching(Span<ulong> keys, ReadOnlySpan<float> weights, double target)
    {
        double above = 0;
        while (keys.Length > 1)
        {
            int split = Partition(keys);
            double left = Mass(keys[..split], weights), pivot = Weight(keys[split], weights);
            if (split > 0 && above + left >= target) keys = keys[..split];
            else if (above + left + pivot >= target || split == keys.Length - 1) return keys[split];
            else
            {
                above += left + pivot;
                keys = keys[(split + 1)..];
            }
        }

        return keys[0];
    }

    /// <summary>Moves the keys not below <paramref name="least"/> to the front and returns them.</summary>
    public static Span<ulong> NotBelow(Span<ulong> keys, ulong least)
    {
        int count = 0;
        foreach (ulong key in keys)
            if (key >= least) keys[count++] = key;
        return keys[..count];
    }

    private static double Weight(ulong key, ReadOnlySpan<float> weights) => weights.IsEmpty ? 1 : weights[IdOf(key)];

    // Greater keys first, around the median of three; gives the pivot's index.
    private static int Partition(Span<ulong> keys)
    {
        ulong a = keys[0], b = keys[keys.Length / 2], c = keys[^1];
        ulong pivot = Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
        int at = pivot == a ? 0 : pivot == b ? keys.Length / 2 : keys.Length - 1;
        (keys[at], keys[^1]) = (keys[^1], keys[at]);
        int split = 0;
        for (int i = 0; i < keys.Length - 1; i++)
        {
            ulong key = keys[i];
            keys[i] = keys[split];
            keys[split] = key;

            // Without a branch: whether a key is above the pivot cannot be predicted.
            split += key > pivot ? 1 : 0;
        }

        (keys[split], keys[^1]) = (keys[^1], keys[split]);
        return split;
    }
}
