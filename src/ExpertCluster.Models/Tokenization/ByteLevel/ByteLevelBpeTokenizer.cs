using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>
/// Byte-level BPE as tokenizer.json describes it. The merging is Microsoft.ML.Tokenizers'; added tokens, pre-tokenizer, template and
/// decoding, which the library has no reader for, are ours, and so are pieces too long for it.
/// </summary>
internal sealed class ByteLevelBpeTokenizer : ITextTokenizer
{
    /// <summary>Longest piece (UTF-16 units) the library merges; its time grows with the square of the length.</summary>
    internal const int LibraryPiece = 256;

    private readonly Vocabulary _vocabulary;
    private readonly AddedTokens _added;
    private readonly PreTokenizer _preTokenizer;
    private readonly PromptTemplate _template;
    private readonly Func<string, string> _normalize;
    private readonly bool _ignoreMerges;
    private readonly Lazy<BpeTokenizer> _library;
    private readonly Lazy<LongPieceMerger> _longPieces;

    public ByteLevelBpeTokenizer(
        Vocabulary vocabulary, MergeTable merges, AddedTokens added, PreTokenizer preTokenizer, PromptTemplate template,
        Func<string, string> normalize, bool ignoreMerges)
    {
        _vocabulary = vocabulary;
        _added = added;
        _preTokenizer = preTokenizer;
        _template = template;
        _normalize = normalize;
        _ignoreMerges = ignoreMerges;
        VocabularySize = Math.Max(vocabulary.MaxId, added.MaxId) + 1;

        // The library's tables take several times the file; a node that only decodes or drives by ids never pays for them.
        _library = new(() => BpeTokenizer.Create(new BpeOptions(vocabulary.Tokens())
        {
            Merges = merges.Spelled(vocabulary),
            ByteLevel = true,
        }));
        _longPieces = new(() => new LongPieceMerger(vocabulary, merges));
    }

    public int VocabularySize { get; }

    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens = true)
    {
        text = Utf8Text.WellFormed(text);
        var ids = new List<int>();
        var deadline = new SplitDeadline(text.Length);
        if (addSpecialTokens) ids.AddRange(_template.Before);
        _added.Cut(text, normalized: false,
            raw => _added.Cut(_normalize(raw), normalized: true,
                part => _preTokenizer.Split(part, deadline, piece => EncodePiece(piece, ids)), ids.Add),
            ids.Add);
        if (addSpecialTokens) ids.AddRange(_template.After);
        return ids;
    }

    public void AppendBytes(int id, IBufferWriter<byte> utf8)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        if (_added.TryGet(id, out var added))
        {
            if (!added!.Special) Encoding.UTF8.GetBytes(added.Content, utf8);
        }
        else if (_vocabulary.TryText(id, out var text)) ByteAlphabet.Append(text, utf8);
    }

    public string Decode(IEnumerable<int> ids) => new ByteDetokenizer(this).DecodeAll(ids);

    public bool IsSpecial(int id) => _added.TryGet(id, out var added) && added!.Special;

    private void EncodePiece(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (_ignoreMerges && WholeToken(piece) is >= 0 and int whole) ids.Add(whole);
        else if (piece.Length <= LibraryPiece)
            ids.AddRange(_library.Value.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false));
        else _longPieces.Value.Encode(piece, ids);
    }

    private int WholeToken(ReadOnlySpan<char> piece)
    {
        if (piece.Length > _vocabulary.LongestToken) return -1;
        var bytes = ArrayPool<byte>.Shared.Rent(9 * piece.Length);
        int length = Encoding.UTF8.GetBytes(piece, bytes);
        int id = _vocabulary.IdOf(bytes.AsSpan(length, ByteAlphabet.Spell(bytes.AsSpan(0, length), bytes.AsSpan(length))));
        ArrayPool<byte>.Shared.Return(bytes);
        return id;
    }
}
