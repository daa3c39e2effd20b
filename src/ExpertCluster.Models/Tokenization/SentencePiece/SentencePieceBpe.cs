using System.Text;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>
/// SentencePiece's BPE (bpe_model.cc): the neighbours whose join has the best score become one, the leftmost among equals. Ours because
/// Microsoft.ML.Tokenizers 2.0.1 takes the rightmost, and so cuts "aaa" into "a", "aa" where SentencePiece has "aa", "a".
/// </summary>
internal sealed class SentencePieceBpe(SentencePieceModel model)
{
    /// <summary>
    /// Cuts normalised text and hands over, in order, each piece's id and its text in UTF-8; the unknown id where there is no piece.
    /// </summary>
    public void Encode(ReadOnlySpan<char> text, PieceAction onPiece)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);

        // A symbol is known by the byte it begins at; size 0 means it was joined to another.
        int[] size = new int[bytes.Length], previous = new int[bytes.Length];
        for (int at = 0, before = -1; at < bytes.Length; before = at, at += size[at])
        {
            Rune.DecodeFromUtf8(bytes.AsSpan(at), out _, out size[at]);
            previous[at] = before;
        }

        Merge(bytes, size, previous);
        for (int at = 0; at < bytes.Length; at += size[at])
        {
            var piece = bytes.AsSpan(at, size[at]);
            int id = Find(piece);
            onPiece(id < 0 ? model.UnknownId : id, piece);
        }
    }

    /// <summary>Takes one piece.</summary>
    public delegate void PieceAction(int id, ReadOnlySpan<byte> text);

    private void Merge(byte[] bytes, int[] size, int[] previous)
    {
        // Waiting under score and place; stale when the two no longer have the size they had.
        var waiting = new PriorityQueue<(int Left, int Size), (float Cost, int Left)>();
        void Offer(int left)
        {
            if (left < 0 || left + size[left] >= bytes.Length) return;
            int joined = size[left] + size[left + size[left]];
            int id = Find(bytes.AsSpan(left, joined));
            if (id >= 0) waiting.Enqueue((left, joined), (-model.Scores[id], left));
        }

        for (int at = 0; at < bytes.Length; at += size[at]) Offer(at);
        while (waiting.TryDequeue(out var pair, out _))
        {
            int left = pair.Left, right = left + size[left];
            if (size[left] == 0 || right >= bytes.Length || size[left] + size[right] != pair.Size) continue;
            size[left] = pair.Size;
            size[right] = 0;
            if (left + pair.Size < bytes.Length) previous[left + pair.Size] = left;
            Offer(previous[left]);
            Offer(left);
        }
    }

    // Text never spells control, byte or unknown pieces.
    private int Find(ReadOnlySpan<byte> piece)
    {
        if (piece.Length > model.Pieces.LongestToken) return -1;
        int id = model.Pieces.Find(piece);
        return id >= 0 && model.Kinds[id] is PieceKind.Normal or PieceKind.UserDefined ? id : -1;
    }
}
