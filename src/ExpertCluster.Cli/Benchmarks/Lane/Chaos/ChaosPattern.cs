using System.Numerics;
using System.Runtime.InteropServices;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>What requests say and what their answers must be: every bit follows from the request's id, and the id is in the content.</summary>
internal static class ChaosPattern
{
    public static void Request(Span<float> values, ulong id)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        (bits[0], bits[1]) = ((uint)id, (uint)(id >> 32));
        for (var i = 2; i < bits.Length; i++)
        {
            bits[i] = Bits(i, (uint)id);
        }
    }

    /// <summary>What the server makes of a request; any bits have an answer.</summary>
    public static void Answer(ReadOnlySpan<float> request, Span<float> answer)
    {
        var from = MemoryMarshal.Cast<float, uint>(request);
        var to = MemoryMarshal.Cast<float, uint>(answer);
        var low = from[0];
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = Transform(from[i], low);
        }
    }

    public static bool IsAnswer(ReadOnlySpan<float> answer, ulong id)
    {
        var bits = MemoryMarshal.Cast<float, uint>(answer);
        var low = (uint)id;
        var wrong = (bits[0] ^ Transform(low, low)) | (bits[1] ^ Transform((uint)(id >> 32), low));
        for (var i = 2; i < bits.Length; i++)
        {
            wrong |= bits[i] ^ Transform(Bits(i, low), low);
        }

        return wrong == 0;
    }

    private static uint Bits(int i, uint low) => ((uint)i * 0x9E3779B9) ^ (low * 0x85EBCA6B);

    private static uint Transform(uint bits, uint low) => BitOperations.RotateLeft(bits, 7) + (low ^ 0xC2B2AE35);
}
