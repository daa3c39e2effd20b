namespace ExpertCluster.Models.Generation;

/// <summary>
/// Random numbers by counter: number <c>n</c> of a seed is computed, not drawn in turn, so a request resumed elsewhere at position
/// <c>n</c> goes on with the same numbers. The hash is SplitMix64 (Steele, Lea, Flood, 2014) begun at <c>mix(seed)</c>:
/// <c>mix(mix(seed) + (n + 1) · 0x9E3779B97F4A7C15)</c>, where <c>mix(z)</c> is <c>z ^= z >> 30; z *= 0xBF58476D1CE4E5B9;
/// z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31</c>. Seeds are mixed first since users pick 1, 2, 3.
/// </summary>
public static class CounterRandom
{
    /// <summary>Number <paramref name="position"/> of <paramref name="seed"/>: the upper 53 bits of the hash, from 0 up to but not including 1.</summary>
    public static double Uniform(long seed, long position) => (Bits(seed, position) >> 11) * (1.0 / (1L << 53));

    /// <summary>The 64 bits of the hash.</summary>
    public static ulong Bits(long seed, long position) => unchecked(Mix(Mix((ulong)seed) + ((ulong)position + 1) * 0x9E3779B97F4A7C15));

    private static ulong Mix(ulong z)
    {
        unchecked
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
