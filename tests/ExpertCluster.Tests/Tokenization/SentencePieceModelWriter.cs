using System.Text;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

/// <summary>Writes tokenizer.model files (sentencepiece_model.proto) field by field.</summary>
internal sealed class SentencePieceModelWriter
{
    private readonly List<(string Text, float Score, int Type)> _pieces = [];
    private readonly MemoryStream _trainer = new();
    private readonly MemoryStream _normalizer = new();

    public IReadOnlyList<(string Text, float Score, int Type)> Pieces => _pieces;

    /// <summary>&lt;unk&gt;, &lt;s&gt;, &lt;/s&gt;, the byte pieces, then pieces over a, b, c and the space; BPE as Llama writes it.</summary>
    public static SentencePieceModelWriter SmallBpe() => Start(type: 2).Whitespace(remove: false).Normal(
        "▁a", "ab", "▁ab", "bc", "▁▁", "cc", "▁", "a", "b", "c", "é");

    public static SentencePieceModelWriter SmallUnigram() => Start(type: 1).Whitespace(remove: true).Normal(
        "▁", "▁ab", "abc", "▁a", "bc", "ab", "a", "b", "c", "é");

    public static SentencePieceModelWriter Start(int type, bool bytes = true)
    {
        var writer = new SentencePieceModelWriter().Piece("<unk>", 0, 2).Piece("<s>", 0, 3).Piece("</s>", 0, 3);
        for (int value = 0; bytes && value < 256; value++) writer.Piece($"<0x{value:X2}>", 0, 6);
        Number(writer._trainer, 3, type);
        if (bytes) Number(writer._trainer, 35, 1);
        return writer;
    }

    public SentencePieceModelWriter Piece(string text, float score, int type = 1)
    {
        _pieces.Add((text, score, type));
        return this;
    }

    /// <summary>Normal pieces with falling scores.</summary>
    public SentencePieceModelWriter Normal(params string[] texts)
    {
        float score = -1;
        foreach (var text in texts) Piece(text, score--);
        return this;
    }

    public SentencePieceModelWriter Whitespace(bool remove, bool prefix = true)
    {
        Number(_normalizer, 3, prefix ? 1 : 0);
        Number(_normalizer, 4, remove ? 1 : 0);
        return this;
    }

    public SentencePieceModelWriter Trainer(int field, int value)
    {
        Number(_trainer, field, value);
        return this;
    }

    public SentencePieceModelWriter Map(byte[] charsmap)
    {
        Bytes(_normalizer, 2, charsmap);
        return this;
    }

    public int IdOf(string text) => _pieces.FindIndex(piece => piece.Text == text);

    public byte[] Bytes()
    {
        var stream = new MemoryStream();
        foreach (var (text, score, type) in _pieces)
        {
            var piece = new MemoryStream();
            Bytes(piece, 1, Encoding.UTF8.GetBytes(text));
            piece.WriteByte((2 << 3) | 5);
            piece.Write(BitConverter.GetBytes(score));
            if (type != 1) Number(piece, 3, type);
            Bytes(stream, 1, piece.ToArray());
        }

        Bytes(stream, 2, _trainer.ToArray());
        Bytes(stream, 3, _normalizer.ToArray());
        return stream.ToArray();
    }

    public ITextTokenizer Build() => TokenizerLoader.ParseSentencePiece(Bytes(), "tokenizer.model");

    private static void Number(Stream stream, int field, int value)
    {
        Varint(stream, field << 3);
        Varint(stream, value);
    }

    private static void Bytes(Stream stream, int field, byte[] bytes)
    {
        Varint(stream, (field << 3) | 2);
        Varint(stream, bytes.Length);
        stream.Write(bytes);
    }

    private static void Varint(Stream stream, int value)
    {
        for (; value >= 128; value >>= 7) stream.WriteByte((byte)(value | 128));
        stream.WriteByte((byte)value);
    }
}
