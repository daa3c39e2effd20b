using System.Buffers;
using System.Text;

namespace ExpertCluster.Models.Tokenization;

/// <summary>Joins the bytes of the tokens and reads them as UTF-8, as a byte-level decoder does.</summary>
internal sealed class ByteDetokenizer(ITextTokenizer tokenizer) : Detokenizer
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public override void Push(int id, StringBuilder text)
    {
        tokenizer.AppendBytes(id, _bytes);
        Utf8Text.Drain(_bytes, text, final: false, bytewise: false);
    }

    public override void Flush(StringBuilder text) => Utf8Text.Drain(_bytes, text, final: true, bytewise: false);
}
