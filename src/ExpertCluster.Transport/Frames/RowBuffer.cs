using System.Buffers;

namespace ExpertCluster.Transport;

/// <summary>Pooled float32 rows. Whoever holds it last disposes of it; a second <see cref="Dispose"/> does nothing.</summary>
public sealed class RowBuffer : IDisposable
{
    private readonly int _length;
    private float[]? _values;

    private RowBuffer(float[] values, int length)
    {
        _values = values;
        _length = length;
    }

    /// <summary>The rows. Not cleared when rented.</summary>
    /// <exception cref="ObjectDisposedException">The buffer went back to the pool.</exception>
    public Memory<float> Memory => (_values ?? throw new ObjectDisposedException(nameof(RowBuffer))).AsMemory(0, _length);

    /// <summary>Rents room for rows × columns values.</summary>
    /// <exception cref="OverflowException">More than 2³¹ − 1 values.</exception>
    public static RowBuffer Rent(int rows, int columns)
    {
        var length = checked(rows * columns);
        return new RowBuffer(ArrayPool<float>.Shared.Rent(length), length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _values, null) is { } values)
        {
            ArrayPool<float>.Shared.Return(values);
        }
    }
}
