using System.Globalization;
using System.Text;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>A <c>tokenizer.model</c>: sentencepiece_model.proto's ModelProto, as far as encoding and decoding need it, checked.</summary>
internal sealed class SentencePieceModel
{
    private const int MaxPieces = 1 << 24;

    private SentencePieceModel(string file, TokenTable pieces, float[] scores, PieceKind[] kinds)
    {
        File = file;
        Pieces = pieces;
        Scores = scores;
        Kinds = kinds;
    }

    public string File { get; }

    public TokenTable Pieces { get; }

    public float[] Scores { get; }

    public PieceKind[] Kinds { get; }

    public SentencePieceSettings Settings { get; private set; } = new();

    /// <summary>Id of the one unknown piece.</summary>
    public int UnknownId { get; private set; } = -1;

    /// <summary>Id of the begin-of-sequence control piece, or -1.</summary>
    public int BeginId { get; private set; } = -1;

    /// <summary>Id of the piece for each byte; empty without byte fallback.</summary>
    public int[] IdOfByte { get; private set; } = [];

    /// <summary>Value of a byte piece such as <c>&lt;0x0A&gt;</c>.</summary>
    public static byte ByteOf(ReadOnlySpan<byte> piece) => byte.Parse(piece[3..5], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <exception cref="TokenizerException">Malformed, or something in it is not supported.</exception>
    public static SentencePieceModel Parse(ReadOnlyMemory<byte> bytes, string file)
    {
        try
        {
            var (count, textBytes) = Measure(bytes.Span);
            if (count is 0 or > MaxPieces)
                throw new TokenizerException(file, "pieces", $"has {count} entries; expected 1 to {MaxPieces}. Is this a SentencePiece model?");
            var model = new SentencePieceModel(file, new TokenTable(count, textBytes), new float[count], new PieceKind[count]);
            model.ReadPieces(bytes.Span);
            model.Settings = SentencePieceSettings.Parse(bytes.Span, file);
            model.Check();
            return model;
        }
        catch (InvalidDataException error)
        {
            throw new TokenizerException(file, "", $"is no SentencePiece model or is cut off: {error.Message}. Download it again.", error);
        }
    }

    private static (int Count, int TextBytes) Measure(ReadOnlySpan<byte> bytes)
    {
        int count = 0, textBytes = 0;
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            if (reader.Field != 1)
            {
                reader.Skip();
                continue;
            }

            count++;
            textBytes += reader.Bytes().Length;
        }

        return (count, textBytes);
    }

    private void ReadPieces(ReadOnlySpan<byte> bytes)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 1) ReadPiece(reader.Bytes());
            else reader.Skip();
        }
    }

    private void ReadPiece(ReadOnlySpan<byte> bytes)
    {
        int index = Pieces.Count;
        ReadOnlySpan<byte> text = default;
        var kind = PieceKind.Normal;
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    text = reader.Bytes();
                    break;
                case 2:
                    Scores[index] = reader.Float();
                    break;
                case 3:
                    int value = reader.Int();
                    kind = value is >= (int)PieceKind.Normal and <= (int)PieceKind.Byte
                        ? (PieceKind)value
                        : throw Error($"pieces[{index}].type", $"is {value}; known are 1 to 6.");
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (text.IsEmpty || !System.Text.Unicode.Utf8.IsValid(text) || text.Contains((byte)0))
            throw Error($"pieces[{index}].piece", "must be text that is neither empty nor ill-formed UTF-8 and has no NUL.");
        if (!float.IsFinite(Scores[index])) throw Error($"pieces[{index}].score", "is not a finite number.");
        if (!Pieces.TryAdd(text)) throw Error($"pieces[{index}].piece", $"{Quoted(text)} appears twice.");
        Kinds[index] = kind;
        if (kind == PieceKind.Unknown)
            UnknownId = UnknownId < 0 ? index : throw Error($"pieces[{index}].type", "is a second unknown piece; there can be one.");
    }

    private void Check()
    {
        if (UnknownId < 0) throw Error("pieces", "has no unknown piece; SentencePiece models have exactly one.");
        if (!Kinds.AsSpan().Contains(PieceKind.Normal)) throw Error("pieces", "has no normal piece, so there is nothing to cut text into.");
        int begin = Pieces.Find(Encoding.UTF8.GetBytes(Settings.BeginPiece));
        if (begin >= 0 && Kinds[begin] == PieceKind.Control) BeginId = begin;
        bool anyByte = Kinds.AsSpan().Contains(PieceKind.Byte);
        if (anyByte != Settings.ByteFallback)
            throw Error("trainer_spec.byte_fallback", anyByte ? "is false, but there are byte pieces." : "is true, but there are no byte pieces.");
        if (anyByte) ReadBytePieces();
        if (Settings.IsBpe && Kinds.AsSpan().Contains(PieceKind.Unused))
            throw Error($"pieces[{Kinds.AsSpan().IndexOf(PieceKind.Unused)}].type", "is UNUSED; vocabularies restricted after training are not supported for BPE.");
    }

    private void ReadBytePieces()
    {
        IdOfByte = new int[256];
        Array.Fill(IdOfByte, -1);
        for (int index = 0; index < Kinds.Length; index++)
        {
            if (Kinds[index] != PieceKind.Byte) continue;
            var text = Pieces[index];
            bool wellFormed = text.Length == 6 && text.StartsWith("<0x"u8) && text[5] == '>'
                && byte.TryParse(text[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);
            if (!wellFormed || IdOfByte[ByteOf(text)] >= 0)
                throw Error($"pieces[{index}].piece", $"{Quoted(text)} is a byte piece, but none of <0x00> to <0xFF>, or repeated.");
            IdOfByte[ByteOf(text)] = index;
        }

        int missing = IdOfByte.AsSpan().IndexOf(-1);
        if (missing >= 0) throw Error("pieces", $"has no piece for byte 0x{missing:X2}; with byte fallback all 256 are needed.");
    }

    private TokenizerException Error(string key, string message) => new(File, key, message);

    private static string Quoted(ReadOnlySpan<byte> text) =>
        TokenizerException.Quote(Encoding.UTF8.GetString(text[..Math.Min(text.Length, 160)]));
}
