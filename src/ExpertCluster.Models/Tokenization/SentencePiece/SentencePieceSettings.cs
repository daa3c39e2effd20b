using System.Text;

namespace ExpertCluster.Models.Tokenization.SentencePiece;

/// <summary>The parts of trainer_spec and normalizer_spec that encoding and decoding follow; defaults are the format's.</summary>
internal sealed class SentencePieceSettings
{
    private const int MaxText = 64;

    public bool IsBpe { get; private set; }

    public bool WhitespaceAsSuffix { get; private set; }

    public bool ByteFallback { get; private set; }

    /// <summary>What an unknown piece decodes to.</summary>
    public string UnknownSurface { get; private set; } = " \u2047 ";

    public string BeginPiece { get; private set; } = "<s>";

    public bool AddDummyPrefix { get; private set; } = true;

    public bool RemoveExtraWhitespaces { get; private set; } = true;

    public bool EscapeWhitespaces { get; private set; } = true;

    /// <summary>Rules of character replacement, or null.</summary>
    public CharacterMap? Map { get; private set; }

    public static SentencePieceSettings Parse(ReadOnlySpan<byte> model, string file)
    {
        var settings = new SentencePieceSettings();
        int modelType = 1;
        var reader = new ProtobufReader(model);
        while (reader.Next())
        {
            if (reader.Field == 2) settings.ReadTrainer(reader.Bytes(), file, ref modelType);
            else if (reader.Field == 3) settings.ReadNormalizer(reader.Bytes(), file);
            else if (reader.Field == 5) RefuseDenormalizer(reader.Bytes(), file);
            else reader.Skip();
        }

        if (modelType is not (1 or 2))
            throw new TokenizerException(file, "trainer_spec.model_type", $"is {modelType}; supported are 1 (Unigram) and 2 (BPE).");
        settings.IsBpe = modelType == 2;
        return settings;
    }

    private void ReadTrainer(ReadOnlySpan<byte> bytes, string file, ref int modelType)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3: modelType = reader.Int(); break;
                case 24: WhitespaceAsSuffix = reader.Bool(); break;
                case 35: ByteFallback = reader.Bool(); break;
                case 44: UnknownSurface = ReadText(reader.Bytes(), file, "trainer_spec.unk_surface"); break;
                case 46: BeginPiece = ReadText(reader.Bytes(), file, "trainer_spec.bos_piece"); break;
                default: reader.Skip(); break;
            }
        }
    }

    private void ReadNormalizer(ReadOnlySpan<byte> bytes, string file)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 2:
                    var map = reader.Bytes();
                    Map = map.IsEmpty ? null : CharacterMap.Parse(map, file);
                    break;
                case 3: AddDummyPrefix = reader.Bool(); break;
                case 4: RemoveExtraWhitespaces = reader.Bool(); break;
                case 5: EscapeWhitespaces = reader.Bool(); break;
                default: reader.Skip(); break;
            }
        }
    }

    private static void RefuseDenormalizer(ReadOnlySpan<byte> bytes, string file)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            if (reader.Field == 2 && !reader.Bytes().IsEmpty)
                throw new TokenizerException(file, "denormalizer_spec.precompiled_charsmap", "is not supported; expected none.");
            if (reader.Field != 2) reader.Skip();
        }
    }

    private static string ReadText(ReadOnlySpan<byte> bytes, string file, string key) =>
        bytes.Length <= MaxText ? Encoding.UTF8.GetString(bytes) : throw new TokenizerException(file, key, $"is longer than {MaxText} bytes.");
}
