using CsCheck;

namespace ExpertCluster.Tests.Support;

/// <summary>Bytes as a broken or hostile peer sends them, and the allocation of whoever reads them.</summary>
internal static class Wire
{
    /// <summary>Valid bytes with up to six bytes changed, and possibly cut; sometimes bytes that were never valid.</summary>
    public static Gen<byte[]> Damaged(IReadOnlyList<byte[]> valid) => Gen.OneOf(
        Gen.Select(Gen.Int[0, valid.Count - 1], Gen.Select(Gen.Int[0, int.MaxValue - 1], Interesting).Array[0, 6], Gen.Double[0, 2])
            .Select((which, edits, cut) =>
            {
                byte[] bytes = [.. valid[which]];
                foreach (var (at, value) in edits)
                {
                    if (bytes.Length > 0)
                    {
                        bytes[at % bytes.Length] = value;
                    }
                }

                return cut < 1 ? bytes[..(int)(cut * bytes.Length)] : bytes;
            }),
        Interesting.Array[0, 200]);

    /// <summary>Bytes the calling thread allocates while <paramref name="action"/> runs.</summary>
    public static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>Any byte, but often one that means a lot in MessagePack: lengths of 32 bits, extremes, nil.</summary>
    private static Gen<byte> Interesting { get; } = Gen.OneOf(
        Gen.Byte,
        Gen.OneOf<byte>(0x00, 0x7f, 0x80, 0x90, 0x93, 0xc0, 0xc1, 0xc6, 0xca, 0xcb, 0xce, 0xcf, 0xd2, 0xd3, 0xd9, 0xdb, 0xdd, 0xdf, 0xff));
}
