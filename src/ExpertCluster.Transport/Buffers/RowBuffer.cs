namespace ExpertCluster.Transport;

/// <summary>
/// Pooled, pinned float32 rows: sockets, libtorch and device copies use them where they lie. Whoever holds it last disposes of it; a
/// second <see cref="Dispose"/> does nothing.
/// </summary>
public sealed class RowBuffer : IDisposable
{
    private readonly int _length;
    private PinnedBlock? _block;

    private RowBuffer(PinnedBlock block, int length)
    {
        _block = block;
        _length = length;
    }

    /// <summary>The rows. Not cleared when rented.</summary>
    /// <exception cref="ObjectDisposedException">The buffer went back to the pool.</exception>
    public Memory<float> Memory => Block.Memory[.._length];

    /// <summary>The rows' bytes, little-endian.</summary>
    internal ArraySegment<byte> Bytes => new(Block.Array, 0, _length * sizeof(float));

    private PinnedBlock Block => _block ?? throw new ObjectDisposedException(nameof(RowBuffer));

    /// <summary>Rents room for rows × columns values.</summary>
    /// <exception cref="OverflowException">More than 2²⁹ − 1 values: a buffer has at most 2³¹ bytes.</exception>
    public static RowBuffer Rent(int rows, int columns)
    {
        var length = checked(rows * columns);
        return new RowBuffer(PinnedPool.Shared.Rent(checked(length * sizeof(float))), length);
    }

    /// <summary>Hands the rows to a new owner; this one is as if disposed of.</summary>
    /// <exception cref="ObjectDisposedException">They went back to the pool already.</exception>
    public RowBuffer Move() => new(
        Interlocked.Exchange(ref _block, null) ?? throw new ObjectDisposedException(nameof(RowBuffer)), _length);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _block, null) is { } block)
        {
            PinnedPool.Shared.Return(block);
        }
    }
}
