using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>
/// Hands a Unigram model to Microsoft.ML.Tokenizers for the search of the likeliest segmentation and keeps the rest from it: it would
/// put byte pieces at wrong ids and loop on double spaces. So it gets the same pieces under the same ids, but with byte fallback and
/// normalisation off, and only normal and user-defined pieces to choose from.
/// </summary>
internal static class LibraryModel
{
    public static SentencePieceTokenizer Create(SentencePieceModel model)
    {
        using var stream = new MemoryStream();
        float best = float.MinValue;
        for (int id = 0; id < model.Pieces.Count; id++)
            if (model.Kinds[id] == PieceKind.Normal) best = Math.Max(best, model.Scores[id]);
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            var kind = model.Kinds[id] == PieceKind.Byte ? PieceKind.Control : model.Kinds[id];

            // SentencePiece derives its bounds from normal pieces alone; the library from all it searches.
            float score = kind is PieceKind.Normal || best == float.MinValue ? model.Scores[id] : best;
            WritePiece(stream, model.Pieces[id], score, kind);
        }

        // The library insists on begin and end pieces, even where the model has none.
        int count = model.Pieces.Count;
        WritePiece(stream, Added(count), 0, PieceKind.Control);
        WritePiece(stream, Added(count + 1), 0, PieceKind.Control);

        using var trainer = new MemoryStream();
        WriteNumber(trainer, 3, 1);
        WriteNumber(trainer, 35, 0);
        WriteNumber(trainer, 40, model.UnknownId);
        WriteNumber(trainer, 41, count);
        WriteNumber(trainer, 42, count + 1);
        WriteBytes(trainer, 45, model.Pieces[model.UnknownId]);
        WriteBytes(trainer, 46, Added(count));
        WriteBytes(trainer, 47, Added(count + 1));
        WriteBytes(stream, 2, trainer.ToArray());
        using var normalizer = new MemoryStream();
        for (int field = 3; field <= 5; field++) WriteNumber(normalizer, field, 0);
        WriteBytes(stream, 3, normalizer.ToArray());
        stream.Position = 0;
        return SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
    }

    // Noncharacters, so that no piece of the model has the name.
    private static byte[] Added(int id) => Encoding.UTF8.GetBytes($"\uFDD0\uFDD1{id}");

    private static void WritePiece(Stream stream, ReadOnlySpan<byte> text, float score, PieceKind kind)
    {
        using var piece = new MemoryStream();
        WriteBytes(piece, 1, text);
        WriteVarint(piece, (2 << 3) | 5);
        Span<byte> bits = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bits, score);
        piece.Write(bits);
        WriteNumber(piece, 3, (int)kind);
        WriteBytes(stream, 1, piece.ToArray());
    }

    private static void WriteBytes(Stream stream, int field, ReadOnlySpan<byte> bytes)
    {
        WriteVarint(stream, (field << 3) | 2);
        WriteVarint(stream, bytes.Length);
        stream.Write(bytes);
    }

    private static void WriteNumber(Stream stream, int field, int value)
    {
        WriteVarint(stream, field << 3);
        WriteVarint(stream, value);
    }

    private static void WriteVarint(Stream stream, int value)
    {
        for (; value >= 128; value >>= 7) stream.WriteByte((byte)(value | 128));
        stream.WriteByte((byte)value);
    }
}
