using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ExpertCluster.Client;

/// <summary>A row-major float32 matrix <c>[Rows, Columns]</c>.</summary>
public sealed class FloatMatrix
{
    /// <summary>Wraps values without copying them.</summary>
    /// <exception cref="ArgumentException"><paramref name="values"/> does not hold rows × columns numbers.</exception>
    public FloatMatrix(int rows, int columns, ReadOnlyMemory<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (values.Length != (long)rows * columns)
        {
            throw new ArgumentException($"A [{rows}, {columns}] matrix needs {(long)rows * columns} values, got {values.Length}.", nameof(values));
        }

        Rows = rows;
        Columns = columns;
        Values = values;
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of columns.</summary>
    public int Columns { get; }

    /// <summary>All values, row by row.</summary>
    public ReadOnlyMemory<float> Values { get; }

    /// <summary>One row.</summary>
    public ReadOnlySpan<float> Row(int row) => Values.Span.Slice(row * Columns, Columns);

    /// <summary>Reads a matrix from little-endian float32 bytes, as <see cref="ToLittleEndian"/> writes them.</summary>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> is not rows × columns × 4 long.</exception>
    public static FloatMatrix FromLittleEndian(int rows, int columns, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (bytes.Length != (long)rows * columns * sizeof(float))
        {
            throw new ArgumentException(
                $"A [{rows}, {columns}] float32 matrix needs {(long)rows * columns * sizeof(float)} bytes, got {bytes.Length}.", nameof(bytes));
        }

        float[] values = new float[rows * columns];
        bytes.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
        SwapOnBigEndian(values);
        return new FloatMatrix(rows, columns, values);
    }

    /// <summary>All values, row by row, as little-endian float32 bytes.</summary>
    public byte[] ToLittleEndian()
    {
        byte[] bytes = new byte[checked(Values.Length * sizeof(float))];
        Values.Span.CopyTo(MemoryMarshal.Cast<byte, float>(bytes.AsSpan()));
        SwapOnBigEndian(MemoryMarshal.Cast<byte, float>(bytes.AsSpan()));
        return bytes;
    }

    private static void SwapOnBigEndian(Span<float> values)
    {
        if (!BitConverter.IsLittleEndian)
        {
            Span<int> bits = MemoryMarshal.Cast<float, int>(values);
            BinaryPrimitives.ReverseEndianness(bits, bits);
        }
    }
}
