namespace ExpertCluster.Models;

/// <summary>
/// MXFP4 (OCP Microscaling Formats 1.0, section 5): blocks of 32 numbers of one sign, two exponent and one mantissa bit that share
/// a power of two stored with bias 127. Of the two numbers in a byte the low half comes first, as GPT-OSS publishes them.
/// </summary>
public static class Mxfp4
{
    /// <summary>Numbers of a block.</summary>
    public const int Block = 32;

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = Block / 2;

    private static readonly float[] Values = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    /// <summary>Decodes blocks.</summary>
    /// <param name="blocks">[n,16].</param>
    /// <param name="scales">[n].</param>
    /// <param name="target">Receives [n,32].</param>
    /// <exception cref="ArgumentException">The lengths don't fit together.</exception>
    public static void Dequantise(ReadOnlySpan<byte> blocks, ReadOnlySpan<byte> scales, Span<float> target)
    {
        if (blocks.Length != scales.Length * BlockBytes || target.Length != scales.Length * Block)
        {
            throw new ArgumentException($"{blocks.Length} bytes and {scales.Length} scales do not make {target.Length} numbers.", nameof(blocks));
        }

        for (int block = 0; block < scales.Length; block++)
        {
            // 255 is NaN in the format; 2^(255 − 127) overflows to infinity, which must not pass for a weight.
            float scale = scales[block] == 255 ? float.NaN : MathF.ScaleB(1, scales[block] - 127);
            for (int i = 0; i < BlockBytes; i++)
            {
                byte pair = blocks[(block * BlockBytes) + i];
                target[(block * Block) + (2 * i)] = Values[pair & 15] * scale;
                target[(block * Block) + (2 * i) + 1] = Values[pair >> 4] * scale;
            }
        }
    }
}
