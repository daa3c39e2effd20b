using System.Numerics;

namespace ExpertCluster.Transport;

/// <summary>
/// Blocks of powers of two from 1 KiB to 256 MiB, kept for the next who asks. What is kept in all is bounded; the rest goes to the garbage
/// collector.
/// </summary>
/// <param name="mostKept">The most bytes kept.</param>
internal sealed class PinnedPool(long mostKept)
{
    private const int Smallest = 10;
    private const int Largest = 28;

    private readonly Stack<PinnedBlock>[] _buckets = [.. Enumerable.Range(0, Largest - Smallest + 1).Select(_ => new Stack<PinnedBlock>())];
    private long _kept;
    private long _rented;

    /// <summary>512 MiB: two directions of a node's largest steps, with some to spare.</summary>
    public static PinnedPool Shared { get; } = new(512L << 20);

    /// <summary>Bytes kept now.</summary>
    public long Kept => Interlocked.Read(ref _kept);

    /// <summary>Blocks that were rented and not returned yet.</summary>
    public long Rented => Interlocked.Read(ref _rented);

    public PinnedBlock Rent(int bytes)
    {
        Interlocked.Increment(ref _rented);
        var log = Math.Max(Smallest, bytes <= 1 ? 0 : BitOperations.Log2((uint)bytes - 1) + 1);
        if (log > Largest)
        {
            return new PinnedBlock(bytes, -1);
        }

        var bucket = _buckets[log - Smallest];
        lock (bucket)
        {
            if (bucket.TryPop(out var block))
            {
                Interlocked.Add(ref _kept, -block.Array.Length);
                return block;
            }
        }

        return new PinnedBlock(1 << log, log - Smallest);
    }

    public void Return(PinnedBlock block)
    {
        Interlocked.Decrement(ref _rented);
        if (block.Bucket < 0)
        {
            return;
        }

        if (Interlocked.Add(ref _kept, block.Array.Length) > mostKept)
        {
            Interlocked.Add(ref _kept, -block.Array.Length);
            return;
        }

        var bucket = _buckets[block.Bucket];
        lock (bucket)
        {
            bucket.Push(block);
        }
    }
}
