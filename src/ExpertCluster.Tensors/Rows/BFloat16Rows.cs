using System.Numerics;
using System.Runtime.InteropServices;

namespace ExpertCluster.Tensors;

/// <summary>
/// Rows of float32 as bfloat16 and back, bit patterns in <see cref="ushort"/>. Needs no libtorch: the router uses it on rows that lie in .NET
/// memory.
/// </summary>
public static class BFloat16Rows
{
    /// <summary>The quiet NaN that every NaN becomes, its sign kept.</summary>
    private const uint QuietNaN = 0x7FC0;

    /// <summary>
    /// Rounds to bfloat16, to nearest and ties to even, as torch's <c>to(bfloat16)</c> does (c10 <c>round_to_nearest_even</c>). Values beyond
    /// its range become infinite; a NaN stays one, though not with the same payload.
    /// </summary>
    /// <param name="source">Float32 values.</param>
    /// <param name="target">Receives as many bit patterns.</param>
    /// <exception cref="ArgumentException"><paramref name="target"/> is shorter than <paramref name="source"/>.</exception>
    public static void Narrow(ReadOnlySpan<float> source, Span<ushort> target)
    {
        RequireRoom(source.Length, target.Length);
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(source);
        int at = 0;
        for (int step = Vector<ushort>.Count; at <= bits.Length - step; at += step)
        {
            Vector<uint> low = Rounded(new Vector<uint>(bits[at..]));
            Vector<uint> high = Rounded(new Vector<uint>(bits[(at + Vector<uint>.Count)..]));
            Vector.Narrow(low, high).CopyTo(target[at..]);
        }

        for (; at < bits.Length; at++)
        {
            target[at] = Rounded(bits[at]);
        }
    }

    /// <summary>Widens; exact.</summary>
    /// <param name="source">Bit patterns of bfloat16.</param>
    /// <param name="target">Receives as many float32 values.</param>
    /// <exception cref="ArgumentException"><paramref name="target"/> is shorter than <paramref name="source"/>.</exception>
    public static void Widen(ReadOnlySpan<ushort> source, Span<float> target)
    {
        RequireRoom(source.Length, target.Length);
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(target);
        int at = 0;
        for (int step = Vector<ushort>.Count; at <= source.Length - step; at += step)
        {
            Vector.Widen(new Vector<ushort>(source[at..]), out Vector<uint> low, out Vector<uint> high);
            (low << 16).CopyTo(bits[at..]);
            (high << 16).CopyTo(bits[(at + Vector<uint>.Count)..]);
        }

        for (; at < source.Length; at++)
        {
            bits[at] = (uint)source[at] << 16;
        }
    }

    private static Vector<uint> Rounded(Vector<uint> bits)
    {
        Vector<uint> odd = (bits >>> 16) & Vector<uint>.One;
        Vector<uint> rounded = (bits + new Vector<uint>(0x7FFF) + odd) >>> 16;
        Vector<uint> nan = ((bits >>> 16) & new Vector<uint>(0x8000)) | new Vector<uint>(QuietNaN);
        return Vector.ConditionalSelect(Vector.GreaterThan(bits & new Vector<uint>(0x7FFF_FFFF), new Vector<uint>(0x7F80_0000)), nan, rounded);
    }

    private static ushort Rounded(uint bits) => (bits & 0x7FFF_FFFF) > 0x7F80_0000
        ? (ushort)(((bits >>> 16) & 0x8000) | QuietNaN)
        : (ushort)((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);

    private static void RequireRoom(int source, int target)
    {
        if (target < source)
        {
            throw new ArgumentException($"{target} values of room are too few for {source}.", nameof(target));
        }
    }
}
