using System.Buffers;
using System.Text;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>
/// Byte-pair merging in O(n log n) for pieces of any length (a megabyte of spaces is one piece), where the library takes O(n²).
/// The same algorithm: the pair of lowest rank first, the leftmost among equals.
/// </summary>
internal sealed class LongPieceMerger
{
    private readonly MergeTable _merges;
    private readonly int[] _idOfByte = new int[256];

    public LongPieceMerger(Vocabulary vocabulary, MergeTable merges)
    {
        _merges = merges;
        Span<byte> text = stackalloc byte[4];
        for (int value = 0; value < 256; value++)
            _idOfByte[value] = vocabulary.IdOf(text[..new Rune(ByteAlphabet.CharOf((byte)value)).EncodeToUtf8(text)]);
    }

    /// <summary>Appends the ids of a piece; a byte without a token is left out, as the reference implementation does.</summary>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(piece.Length));
        int length = Encoding.UTF8.GetBytes(piece, bytes);
        int[] symbols = new int[length], next = new int[length], previous = new int[length];
        int count = 0;
        foreach (byte value in bytes.AsSpan(0, length))
        {
            int id = _idOfByte[value];
            if (id < 0) continue;
            (symbols[count], previous[count], next[count]) = (id, count - 1, count + 1);
            count++;
        }

        ArrayPool<byte>.Shared.Return(bytes);
        if (count == 0) return;
        next[count - 1] = -1;
        Merge(symbols, previous, next, count);
        for (int at = 0; at >= 0; at = next[at]) ids.Add(symbols[at]);
    }

    private void Merge(int[] symbols, int[] previous, int[] next, int count)
    {
        // A pair waits under rank and position; it is stale when the symbols there have since become others.
        var waiting = new PriorityQueue<int, ulong>();
        void Offer(int left)
        {
            if (left < 0 || next[left] < 0) return;
            int rank = _merges.RankOf(symbols[left], symbols[next[left]]);
            if (rank >= 0) waiting.Enqueue(left, ((ulong)(uint)rank << 32) | (uint)left);
        }

        for (int at = 0; at < count - 1; at++) Offer(at);
        while (waiting.TryDequeue(out int left, out ulong priority))
        {
            int right = symbols[left] < 0 ? -1 : next[left];
            int rank = (int)(priority >> 32);
            if (right < 0 || _merges[rank].Left != symbols[left] || _merges[rank].Right != symbols[right]) continue;
            symbols[left] = _merges[rank].Merged;
            symbols[right] = -1;
            next[left] = next[right];
            if (next[left] >= 0) previous[next[left]] = left;
            Offer(previous[left]);
            Offer(left);
        }
    }
}
