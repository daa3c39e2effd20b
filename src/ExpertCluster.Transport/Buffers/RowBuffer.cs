using ExpertCluster.Contracts;

namespace ExpertCluster.Transport;

/// <summary>
/// Pooled, pinned rows of float32 or bfloat16: sockets, libtorch and device copies use them where they lie. Whoever holds it last disposes of
/// it; a second <see cref="Dispose"/> does nothing.
/// </summary>
public sealed class RowBuffer : IDisposable
{
    private PinnedBlock? _block;

    private RowBuffer(PinnedBlock block, int length, RowType type)
    {
        _block = block;
        Length = length;
        Type = type;
    }

    /// <summary>Element type of the rows.</summary>
    public RowType Type { get; }

    /// <summary>Number of values.</summary>
    public int Length { get; }

    /// <summary>Rows of float32. Not cleared when rented.</summary>
    /// <exception cref="InvalidOperationException">They are of another type.</exception>
    /// <exception cref="ObjectDisposedException">The buffer went back to the pool.</exception>
    public Memory<float> Memory => Type == RowType.Float32 ? Block.Memory[..Length] : throw OtherType(nameof(Halves));

    /// <summary>Bit patterns of rows of bfloat16. Not cleared when rented.</summary>
    /// <exception cref="InvalidOperationException">They are of another type.</exception>
    /// <exception cref="ObjectDisposedException">The buffer went back to the pool.</exception>
    public Memory<ushort> Halves => Type == RowType.BFloat16 ? Block.Halves[..Length] : throw OtherType(nameof(Memory));

    /// <summary>The rows' bytes, little-endian.</summary>
    internal ArraySegment<byte> Bytes => new(Block.Array, 0, Length * Type.Size());

    private PinnedBlock Block => _block ?? throw new ObjectDisposedException(nameof(RowBuffer));

    /// <summary>Rents room for rows × columns values.</summary>
    /// <exception cref="OverflowException">A buffer has at most 2³¹ − 1 bytes.</exception>
    public static RowBuffer Rent(int rows, int columns, RowType type = RowType.Float32)
    {
        var length = checked(rows * columns);
        return new RowBuffer(PinnedPool.Shared.Rent(checked(length * type.Size())), length, type);
    }

    /// <summary>Hands the rows to a new owner; this one is as if disposed of.</summary>
    /// <exception cref="ObjectDisposedException">They went back to the pool already.</exception>
    public RowBuffer Move() => new(
        Interlocked.Exchange(ref _block, null) ?? throw new ObjectDisposedException(nameof(RowBuffer)), Length, Type);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _block, null) is { } block)
        {
            PinnedPool.Shared.Return(block);
        }
    }

    private InvalidOperationException OtherType(string other) => new($"These rows are {Type}; read them by {other}.");
}
