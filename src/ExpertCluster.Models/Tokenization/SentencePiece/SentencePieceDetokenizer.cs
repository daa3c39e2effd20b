using System.Buffers;
using System.Text;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>
/// Decodes as SentencePieceProcessor::Decode does: runs of byte pieces are read as UTF-8 with one U+FFFD per bad byte, and the space
/// that encoding put in front of the text is taken off again.
/// </summary>
internal sealed class SentencePieceDetokenizer(SentencePieceTextTokenizer tokenizer, bool continuation) : Detokenizer
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private bool _atStart = !continuation;
    private bool _tookSpace;
    private bool _anyText;

    public override void Push(int id, StringBuilder text)
    {
        var kind = tokenizer.KindOf(id);
        if (kind is null) return;
        int before = text.Length;
        if (kind == PieceKind.Byte)
        {
            tokenizer.AppendBytes(id, _bytes);
            Utf8Text.Drain(_bytes, text, final: false, bytewise: true);
            _anyText |= text.Length > before;
            return;
        }

        Flush(text);
        _anyText |= text.Length > before;
        if (_tookSpace || _anyText) _atStart = false;
        _tookSpace = false;
        before = text.Length;
        if (kind == PieceKind.Unknown) text.Append(tokenizer.Settings.UnknownSurface);
        else if (kind != PieceKind.Control) AppendPiece(tokenizer.PieceText(id), text);
        _anyText |= text.Length > before;
    }

    public override void Flush(StringBuilder text) => Utf8Text.Drain(_bytes, text, final: true, bytewise: true);

    private void AppendPiece(string piece, StringBuilder text)
    {
        var rest = piece.AsSpan();
        if (_atStart && (tokenizer.Settings.AddDummyPrefix || tokenizer.Settings.RemoveExtraWhitespaces)
            && rest.StartsWith([SentencePieceNormalizer.Space]))
        {
            rest = rest[1..];

            // Where extra whitespace is removed, all of it goes, not one space only.
            _tookSpace = !tokenizer.Settings.RemoveExtraWhitespaces;
        }

        foreach (char unit in rest) text.Append(unit == SentencePieceNormalizer.Space ? ' ' : unit);
    }
}
