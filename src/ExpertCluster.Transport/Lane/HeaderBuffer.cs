using System.Buffers;

namespace ExpertCluster.Transport.Lane;

/// <summary>
/// A packet's header being written. Pooled with its array: one goes out with every message. Its one owner disposes of it once: later, it may
/// be somebody else's.
/// </summary>
internal sealed class HeaderBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FirstBytes = 512;

    // Larger arrays than this, and more buffers than messages are usually on their way, go to the garbage collector.
    private const int MostKeptBytes = 16 * 1024;
    private const int MostKept = 256;

    private static readonly Stack<HeaderBuffer> Pool = new();
    private byte[] _bytes = GC.AllocateUninitializedArray<byte>(FirstBytes);

    private HeaderBuffer()
    {
    }

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public ArraySegment<byte> Segment => new(_bytes, 0, Length);

    public static HeaderBuffer Rent()
    {
        lock (Pool)
        {
            if (Pool.TryPop(out var buffer))
            {
                return buffer;
            }
        }

        return new HeaderBuffer();
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Room(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Room(sizeHint);
        return _bytes.AsSpan(Length);
    }

    public void Dispose()
    {
        lock (Pool)
        {
            if (_bytes.Length <= MostKeptBytes && Pool.Count < MostKept)
            {
                Length = 0;
                Pool.Push(this);
            }
        }
    }

    private void Room(int sizeHint)
    {
        if (_bytes.Length - Length < Math.Max(1, sizeHint))
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, Length + sizeHint));
        }
    }
}
