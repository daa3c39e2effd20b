using System.Numerics;
using ExpertCluster.Moe.Layers;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Buckets of all distances so far, one column each and falling, so that the keys that one row sees are neighbours in their own order.
/// Beyond distance 0 follow keys later than a row, which share a block with it but are masked.
/// </summary>
internal sealed class BucketTable(RelativeBiasSpec spec, Device device) : IDisposable
{
    private const int FirstLength = 512;
    private int _future;
    private Tensor? _index;

    /// <summary>Int64 [past + future]; column <see cref="Past"/> − 1 − d has the bucket of distance d.</summary>
    public Tensor Index => _index!;

    /// <summary>Distances from 0 on that are there.</summary>
    public int Past { get; private set; }

    /// <summary>Makes sure that distances below <paramref name="past"/> and above −<paramref name="future"/> are there.</summary>
    public void Ensure(int past, int future)
    {
        if (past <= Past && future <= _future)
        {
            return;
        }

        (int newPast, int newFuture) = (Grown(past, Past), Grown(future, _future));
        var buckets = new long[(long)newPast + newFuture];
        for (long column = 0; column < buckets.Length; column++)
        {
            buckets[column] = RelativeBuckets.Unidirectional((int)(newPast - 1 - column), spec.Buckets, spec.MaxDistance);
        }

        Tensor index = tensor(buckets, device: device).DetachFromDisposeScope();
        Dispose();
        (_index, Past, _future) = (index, newPast, newFuture);
    }

    public void Dispose() => _index?.Dispose();

    private static int Grown(int needed, int now) =>
        needed <= now ? now : (int)Math.Min(Math.Max(FirstLength, (long)BitOperations.RoundUpToPowerOf2((uint)needed)), int.MaxValue);
}
