namespace ExpertCluster.Models;

/// <summary>
/// FP8 E4M3 without infinities (Micikevicius et al. 2022, arXiv:2209.05433): sign, four exponent bits with bias 7, three mantissa
/// bits; all ones is NaN. Weights are blocks that share a float32 factor, as DeepSeek-V3 publishes them (<c>weight_scale_inv</c>).
/// </summary>
public static class Float8
{
    private static readonly float[] Values = [.. Enumerable.Range(0, 256).Select(code => Decode((byte)code))];

    /// <summary>The value of a code.</summary>
    public static float Decode(byte code)
    {
        int exponent = (code >> 3) & 15;
        int mantissa = code & 7;
        if (exponent == 15 && mantissa == 7)
        {
            return float.NaN;
        }

        float size = exponent == 0 ? MathF.ScaleB(mantissa, -9) : MathF.ScaleB(8 + mantissa, exponent - 10);
        return (code & 128) == 0 ? size : -size;
    }

    /// <summary>Decodes a matrix.</summary>
    /// <param name="codes">[R,C], row-major.</param>
    /// <param name="columns">C.</param>
    /// <param name="scales">[⌈R ÷ block rows⌉, ⌈C ÷ block columns⌉].</param>
    /// <param name="block">Rows and columns of a block.</param>
    /// <param name="target">Receives [R,C].</param>
    public static void Dequantise(
        ReadOnlySpan<byte> codes, int columns, ReadOnlySpan<float> scales, (int Rows, int Columns) block, Span<float> target)
    {
        int rows = codes.Length / columns;
        int across = (columns + block.Columns - 1) / block.Columns;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> factors = scales.Slice(row / block.Rows * across, across);
            for (int column = 0; column < columns; column++)
            {
                int at = (row * columns) + column;
                target[at] = Values[codes[at]] * factors[column / block.Columns];
            }
        }
    }
}
