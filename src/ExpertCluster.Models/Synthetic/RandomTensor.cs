using System.Runtime.InteropServices;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Models.Synthetic;

/// <summary>A tensor of uniform random numbers, made while it is written.</summary>
internal static class RandomTensor
{
    private const int Chunk = 1 << 16;

    /// <summary>Numbers from centre − scale to centre + scale, the same for the same seed.</summary>
    public static TensorToWrite Uniform(string name, TensorType type, long[] shape, float centre, float scale, ulong seed) =>
        new(name, type, shape, stream => Write(stream, type, shape, centre, scale, seed));

    private static void Write(Stream stream, TensorType type, long[] shape, float centre, float scale, ulong seed)
    {
        long left = shape.Aggregate(1L, (product, size) => product * size);
        var values = new float[Chunk];
        var halves = new ushort[Chunk];
        ulong state = seed;
        while (left > 0)
        {
            int count = (int)Math.Min(Chunk, left);
            Fill(values, centre, scale, ref state);
            left -= count;
            if (type == TensorType.F32)
            {
                stream.Write(MemoryMarshal.AsBytes(values.AsSpan(0, count)));
                continue;
            }

            for (int i = 0; i < count; i++)
            {
                halves[i] = type switch
                {
                    TensorType.BF16 => (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16),
                    TensorType.F16 => BitConverter.HalfToUInt16Bits((Half)values[i]),
                    _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Must be F32, F16 or BF16."),
                };
            }

            stream.Write(MemoryMarshal.AsBytes(halves.AsSpan(0, count)));
        }
    }

    // SplitMix64 (Steele, Lea and Flood 2014); each draw gives two numbers of 24 bits.
    private static void Fill(Span<float> values, float centre, float scale, ref ulong state)
    {
        float step = scale / (1 << 23);
        float low = centre - scale;
        for (int i = 0; i + 1 < values.Length; i += 2)
        {
            ulong z = state += 0x9e3779b97f4a7c15;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
            z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
            z ^= z >> 31;
            values[i] = low + ((z & 0xffffff) * step);
            values[i + 1] = low + ((z >> 40) * step);
        }
    }
}
