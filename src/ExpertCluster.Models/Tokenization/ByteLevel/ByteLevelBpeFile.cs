using System.Text;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>Reads a tokenizer.json whose model is byte-level BPE; everything in it is honoured or refused by name.</summary>
internal static class ByteLevelBpeFile
{
    public static ITextTokenizer Parse(ReadOnlyMemory<byte> utf8, string path)
    {
        if (utf8.Span.StartsWith("\uFEFF"u8)) utf8 = utf8[3..];
        var file = new TokenizerJson(path);

        // truncation and padding shape batches for training; callers of the reference implementation reset both, and so they say
        // nothing about how a prompt is encoded.
        var root = file.Members(utf8, "", "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
            "post_processor", "decoder", "model");
        if (!root.TryGetValue("model", out var modelJson)) throw file.Error("model", "is missing.");
        var model = file.Members(modelJson, "model");
        var type = model.ContainsKey("type") ? file.Type(model, "model") : "BPE";
        if (type != "BPE") throw file.OtherKind("model.type", $"is {TokenizerException.Quote(type)}; only byte-level BPE is supported.");
        file.Members(modelJson, "model", "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
            "byte_fallback", "ignore_merges", "vocab", "merges");
        if (file.Flag(model, "byte_fallback", "model", fallback: false))
            throw file.OtherKind("model.byte_fallback", "is true; that is SentencePiece-style BPE, only byte-level BPE is supported.");
        var preTokenizer = PreTokenizer.Parse(file, root.GetValueOrDefault("pre_tokenizer"), utf8.Length);
        CheckModel(file, model);
        CheckDecoder(file, root.GetValueOrDefault("decoder"), "decoder");
        var normalize = ParseNormalizer(file, root.GetValueOrDefault("normalizer"), "normalizer", 0);
        var template = PromptTemplate.Parse(file, root.GetValueOrDefault("post_processor"));
        var vocabulary = Vocabulary.Parse(file, Required(file, model, "vocab"));
        CheckUnknown(file, model, vocabulary);
        var merges = MergeTable.Parse(file, Required(file, model, "merges"), vocabulary);
        var added = AddedTokens.Parse(file, root.GetValueOrDefault("added_tokens"), vocabulary, normalize);
        template.Check(file, id => vocabulary.TryText(id, out _) || added.TryGet(id, out _));
        return new ByteLevelBpeTokenizer(
            vocabulary, merges, added, preTokenizer, template, normalize, file.Flag(model, "ignore_merges", "model", fallback: false));
    }

    private static ReadOnlyMemory<byte> Required(TokenizerJson file, Dictionary<string, ReadOnlyMemory<byte>> model, string name) =>
        model.TryGetValue(name, out var json) ? json : throw file.Error("model." + name, "is missing.");

    private static void CheckModel(TokenizerJson file, Dictionary<string, ReadOnlyMemory<byte>> model)
    {
        if (!TokenizerJson.IsAbsent(model, "dropout") && model["dropout"].Span.IndexOfAnyExcept("0."u8) >= 0)
            throw file.Error("model.dropout", "makes encoding random and is not supported; set it to null.");
        foreach (var name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (!TokenizerJson.IsAbsent(model, name) && !model[name].Span.SequenceEqual("\"\""u8))
                throw file.Error("model." + name, "is not supported with byte-level BPE; expected null.");
        file.Flag(model, "fuse_unk", "model", fallback: false);
    }

    // With all bytes in the vocabulary nothing is ever unknown, and unk_token and fuse_unk say nothing.
    private static void CheckUnknown(TokenizerJson file, Dictionary<string, ReadOnlyMemory<byte>> model, Vocabulary vocabulary)
    {
        if (TokenizerJson.IsAbsent(model, "unk_token") || model["unk_token"].Span.SequenceEqual("\"\""u8)) return;
        Span<byte> text = stackalloc byte[4];
        for (int value = 0; value < 256; value++)
        {
            // Bytes that no UTF-8 text has.
            if (value is 0xC0 or 0xC1 or >= 0xF5) continue;
            int length = new Rune(ByteAlphabet.CharOf((byte)value)).EncodeToUtf8(text);
            if (vocabulary.IdOf(text[..length]) < 0)
                throw file.Error("model.unk_token", $"is set while byte 0x{value:X2} has no token; that is not supported. Expected null or all 256 bytes.");
        }
    }

    private static void CheckDecoder(TokenizerJson file, ReadOnlyMemory<byte> json, string key)
    {
        if (json.IsEmpty || TokenizerJson.IsNull(json)) throw file.Error(key, "is missing; byte-level BPE needs ByteLevel there.");
        var members = file.Members(json, key);
        var type = file.Type(members, key);
        if (type == "ByteLevel")
        {
            file.Members(json, key, "type", "add_prefix_space", "trim_offsets", "use_regex");
            return;
        }

        if (type != "Sequence" || !members.TryGetValue("decoders", out var parts))
            throw file.Error(key + ".type", $"{TokenizerException.Quote(type)} is not supported; expected ByteLevel.");
        var list = file.Elements(parts, key + ".decoders", 16);
        if (list.Count != 1 || key != "decoder") throw file.Error(key, "must be ByteLevel alone.");
        CheckDecoder(file, list[0], key + ".decoders[0]");
    }

    private static Func<string, string> ParseNormalizer(TokenizerJson file, ReadOnlyMemory<byte> json, string key, int depth)
    {
        if (json.IsEmpty || TokenizerJson.IsNull(json)) return text => text;
        var members = file.Members(json, key, "type", "normalizers");
        var type = file.Type(members, key);
        if (type == "NFC") return CanonicalComposition.Compose;
        if (type != "Sequence")
            throw file.Error(key + ".type", $"{TokenizerException.Quote(type)} is not supported; known are NFC, Sequence, null.");
        if (depth > 1) throw file.Error(key, "nests sequences too deeply.");
        if (!members.TryGetValue("normalizers", out var parts)) throw file.Error(key + ".normalizers", "is missing.");
        Func<string, string> all = text => text;
        int index = 0;
        foreach (var part in file.Elements(parts, key + ".normalizers", 16))
        {
            var first = all;
            var second = ParseNormalizer(file, part, $"{key}.normalizers[{index++}]", depth + 1);
            all = text => second(first(text));
        }

        return all;
    }
}
