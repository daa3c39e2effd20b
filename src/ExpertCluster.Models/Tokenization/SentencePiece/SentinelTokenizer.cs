using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>
/// T5's tokenizer (Raffel et al. 2020, arXiv:1910.10683): a SentencePiece model, behind its pieces the sentinels <c>&lt;extra_id_0&gt;</c> …
/// that stand for what is masked, counted down from the last id, and an end token behind every text.
/// </summary>
/// <param name="pieces">The SentencePiece model.</param>
/// <param name="end">Id of the end token.</param>
/// <param name="sentinels">Number of sentinels.</param>
internal sealed partial class SentinelTokenizer(SentencePieceTextTokenizer pieces, int end, int sentinels) : ITextTokenizer
{
    private readonly SentencePieceTextTokenizer _pieces = pieces;

    public int VocabularySize => _pieces.VocabularySize + sentinels;

    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens = true)
    {
        var ids = new List<int>();
        int done = 0;
        foreach (Match match in Sentinel().Matches(text))
        {
            if (!int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= sentinels)
            {
                continue;
            }

            ids.AddRange(_pieces.Encode(text[done..match.Index], addSpecialTokens: false));
            ids.Add(VocabularySize - 1 - index);
            done = match.Index + match.Length;
        }

        ids.AddRange(_pieces.Encode(text[done..], addSpecialTokens: false));
        if (addSpecialTokens)
        {
            ids.Add(end);
        }

        return ids;
    }

    public void AppendBytes(int id, IBufferWriter<byte> utf8)
    {
        if (Name(id) is { } name)
        {
            Encoding.UTF8.GetBytes(name, utf8);
            return;
        }

        _pieces.AppendBytes(id, utf8);
    }

    public string Decode(IEnumerable<int> ids) => StartDecoding().DecodeAll(ids);

    public bool IsSpecial(int id) => Name(id) is null && _pieces.IsSpecial(id);

    public Detokenizer StartDecoding(bool continuation = false) => new SentinelDetokenizer(this, _pieces.StartDecoding(continuation));

    [GeneratedRegex("<extra_id_([0-9]{1,9})>", RegexOptions.CultureInvariant)]
    private static partial Regex Sentinel();

    /// <summary>A sentinel's text; null for any other id.</summary>
    private string? Name(int id) => id >= _pieces.VocabularySize && id < VocabularySize
        ? string.Create(CultureInfo.InvariantCulture, $"<extra_id_{VocabularySize - 1 - id}>")
        : null;

    private sealed class SentinelDetokenizer(SentinelTokenizer tokenizer, Detokenizer inner) : Detokenizer
    {
        private Detokenizer _inner = inner;

        public override void Push(int id, StringBuilder text)
        {
            if (tokenizer.Name(id) is not { } name)
            {
                _inner.Push(id, text);
                return;
            }

            _inner.Flush(text);
            text.Append(name);

            // What follows is no start of a text any more: its space stays.
            _inner = tokenizer._pieces.StartDecoding(continuation: true);
        }

        public override void Flush(StringBuilder text) => _inner.Flush(text);
    }
}
