namespace ExpertCluster.Moe.Routing;

/// <summary>Tables for <see cref="HashGate"/>.</summary>
public static class HashTable
{
    /// <summary>A random expert for each token id, the same for the same seed on every machine (splitmix64 of seed and id).</summary>
    /// <param name="vocabulary">Number of token ids.</param>
    /// <param name="experts">E.</param>
    /// <param name="seed">Any number.</param>
    public static int[] Random(int vocabulary, int experts, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabulary, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        return [.. Enumerable.Range(0, vocabulary).Select(id => (int)(Mix(seed + ((ulong)id * 0x9E3779B97F4A7C15)) % (ulong)experts))];
    }

    /// <summary>
    /// Balanced by frequency: ids in descending order of their counts, each to the expert with the least so far ("balanced assignment" of
    /// the paper). Ties go to the lowest id and the lowest expert.
    /// </summary>
    /// <param name="counts">How often each token id occurs, not negative.</param>
    /// <param name="experts">E.</param>
    public static int[] Balanced(IReadOnlyList<long> counts, int experts)
    {
        ArgumentNullException.ThrowIfNull(counts);
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        var table = new int[counts.Count];
        var least = new PriorityQueue<int, (long Load, int Expert)>(Enumerable.Range(0, experts).Select(e => (e, (0L, e))));
        foreach (int id in Enumerable.Range(0, counts.Count).OrderByDescending(id => counts[id]))
        {
            ArgumentOutOfRangeException.ThrowIfNegative(counts[id], nameof(counts));
            least.TryDequeue(out int expert, out (long Load, int Expert) priority);
            table[id] = expert;
            least.Enqueue(expert, (priority.Load + counts[id], expert));
        }

        return table;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
