using System.Text;
using System.Text.Json;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary><c>model.merges</c> as id triples in order of rank; the pair lookup is built when first needed.</summary>
internal sealed class MergeTable
{
    private readonly int[] _triples;
    private readonly Lazy<Dictionary<ulong, int>> _rankOfPair;

    private MergeTable(int[] triples)
    {
        _triples = triples;
        _rankOfPair = new(() =>
        {
            var ranks = new Dictionary<ulong, int>(Count);
            for (int rank = 0; rank < Count; rank++) ranks[Pair(triples[3 * rank], triples[3 * rank + 1])] = rank;
            return ranks;
        });
    }

    public int Count => _triples.Length / 3;

    public (int Left, int Right, int Merged) this[int rank] => (_triples[3 * rank], _triples[3 * rank + 1], _triples[3 * rank + 2]);

    /// <summary>Rank of merging two tokens, or -1 when they do not merge.</summary>
    public int RankOf(int left, int right) => _rankOfPair.Value.TryGetValue(Pair(left, right), out int rank) ? rank : -1;

    /// <summary>Reads merges spelled <c>["a", "b"]</c> or <c>"a b"</c>; both parts and their join must be in the vocabulary.</summary>
    public static MergeTable Parse(TokenizerJson file, ReadOnlyMemory<byte> json, Vocabulary vocabulary) => file.Guard("model.merges", () =>
    {
        int count = Measure(file, json);
        var triples = new int[3 * count];
        var reader = TokenizerJson.Reader(json);
        var joined = new byte[2 * vocabulary.LongestToken + 1];
        reader.Read();
        int rank = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; rank++)
        {
            string key = "model.merges";
            int left, length;
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                left = ReadPart(ref reader, joined, vocabulary.LongestToken);
                length = left < 0 ? -1 : ReadPart(ref reader, joined.AsSpan(left), vocabulary.LongestToken);
                if (length >= 0) length += left;
                if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray)
                    throw file.Error($"{key}[{rank}]", "must be a pair of tokens.");
            }
            else if (reader.TokenType == JsonTokenType.String)
            {
                length = Copy(ref reader, joined, joined.Length);
                left = length < 0 ? -1 : joined.AsSpan(0, length).IndexOf((byte)' ');
                if (length >= 0 && (left <= 0 || left == length - 1 || joined.AsSpan(left + 1, length - left - 1).Contains((byte)' ')))
                    throw file.Error($"{key}[{rank}]", "must be two tokens with one space between.");
                if (length >= 0) joined.AsSpan(left + 1, --length - left).CopyTo(joined.AsSpan(left));
            }
            else throw file.Error($"{key}[{rank}]", "must be a pair of tokens or a string of two tokens with a space between.");

            // A part that does not fit the buffer is longer than any token.
            int a = length < 0 ? -1 : vocabulary.IdOf(joined.AsSpan(0, left));
            int b = length < 0 ? -1 : vocabulary.IdOf(joined.AsSpan(left, length - left));
            int merged = length < 0 ? -1 : vocabulary.IdOf(joined.AsSpan(0, length));
            if (a < 0 || b < 0 || merged < 0)
                throw file.Error($"{key}[{rank}]", "joins tokens that, or whose result, are not in model.vocab.");
            if (!ByteAlphabet.Covers(joined.AsSpan(0, length)))
                throw file.Error($"{key}[{rank}]", "has a character that stands for no byte; only byte-level BPE is supported.");
            (triples[3 * rank], triples[3 * rank + 1], triples[3 * rank + 2]) = (a, b, merged);
        }

        RefuseRepeats(file, triples);
        return new MergeTable(triples);
    });

    /// <summary>The merges as the library wants them.</summary>
    public IEnumerable<string> Spelled(Vocabulary vocabulary)
    {
        for (int rank = 0; rank < Count; rank++)
        {
            vocabulary.TryText(this[rank].Left, out var left);
            vocabulary.TryText(this[rank].Right, out var right);
            yield return Encoding.UTF8.GetString(left) + " " + Encoding.UTF8.GetString(right);
        }
    }

    private static ulong Pair(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private static void RefuseRepeats(TokenizerJson file, int[] triples)
    {
        var pairs = new ulong[triples.Length / 3];
        for (int rank = 0; rank < pairs.Length; rank++) pairs[rank] = Pair(triples[3 * rank], triples[3 * rank + 1]);
        Array.Sort(pairs);
        for (int i = 1; i < pairs.Length; i++)
            if (pairs[i] == pairs[i - 1]) throw file.Error("model.merges", "has a pair twice; the file is damaged.");
    }

    // Length of the part, or -1 when it is longer than any token (or no string at all).
    private static int ReadPart(ref Utf8JsonReader reader, Span<byte> target, int limit)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.EndArray) return -1;
        if (reader.TokenType == JsonTokenType.String) return Copy(ref reader, target, Math.Min(limit, target.Length));
        reader.Skip();
        return -1;
    }

    private static int Copy(ref Utf8JsonReader reader, Span<byte> target, int limit)
    {
        if (!reader.ValueIsEscaped)
        {
            if (reader.ValueSpan.Length > limit) return -1;
            reader.ValueSpan.CopyTo(target);
            return reader.ValueSpan.Length;
        }

        // An escape takes up to six bytes for one.
        if (reader.ValueSpan.Length > 6L * limit) return -1;
        Span<byte> unescaped = reader.ValueSpan.Length <= 1024 ? stackalloc byte[reader.ValueSpan.Length] : new byte[reader.ValueSpan.Length];
        int length = reader.CopyString(unescaped);
        if (length > limit) return -1;
        unescaped[..length].CopyTo(target);
        return length;
    }

    private static int Measure(TokenizerJson file, ReadOnlyMemory<byte> json)
    {
        var reader = TokenizerJson.Reader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw file.Error("model.merges", "must be an array.");
        int count = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++) reader.Skip();
        return count;
    }
}
