using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ExpertCluster.Transport;

/// <summary>An array that the garbage collector never moves, seen as bytes and as float32.</summary>
internal sealed class PinnedBlock(int bytes, int bucket) : MemoryManager<float>
{
    private HalfView? _halves;

    public byte[] Array { get; } = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

    /// <summary>The same array as 16-bit values.</summary>
    public Memory<ushort> Halves => (_halves ??= new HalfView(Array)).Memory;

    /// <summary>Where it goes back to; −1 for nowhere.</summary>
    public int Bucket => bucket;

    public override Span<float> GetSpan() => MemoryMarshal.Cast<byte, float>(Array.AsSpan());

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)(Array.Length / sizeof(float)));
        ref var first = ref MemoryMarshal.GetArrayDataReference(Array);
        return new MemoryHandle((float*)Unsafe.AsPointer(ref first) + elementIndex, default, this);
    }

    public override void Unpin()
    {
        // It never moves.
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class HalfView(byte[] array) : MemoryManager<ushort>
    {
        public override Span<ushort> GetSpan() => MemoryMarshal.Cast<byte, ushort>(array.AsSpan());

        public override unsafe MemoryHandle Pin(int elementIndex = 0)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)(array.Length / sizeof(ushort)));
            ref var first = ref MemoryMarshal.GetArrayDataReference(array);
            return new MemoryHandle((ushort*)Unsafe.AsPointer(ref first) + elementIndex, default, this);
        }

        public override void Unpin()
        {
            // It never moves.
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
