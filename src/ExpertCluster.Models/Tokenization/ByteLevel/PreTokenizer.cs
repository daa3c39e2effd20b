using System.Text.RegularExpressions;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>The <c>pre_tokenizer</c>: any number of splits, then ByteLevel.</summary>
internal sealed class PreTokenizer
{
    private const int MaxSteps = 16;
    private const int MaxPattern = 4096;
    private readonly List<PieceSplitter> _steps = [];
    private bool _addPrefixSpace;
    private bool _byteLevel;

    /// <summary>Splits a text between added tokens and hands the pieces over in order.</summary>
    public void Split(ReadOnlySpan<char> text, SplitDeadline deadline, PieceSplitter.PieceAction onPiece) => Run(0, text, deadline, onPiece);

    /// <summary>Reads the component.</summary>
    /// <param name="file">The file.</param>
    /// <param name="json">Slice of its value; empty when absent.</param>
    /// <param name="fileBytes">Size of the file, which bounds what reading it may allocate.</param>
    /// <exception cref="TokenizerException">Something but splits followed by ByteLevel.</exception>
    public static PreTokenizer Parse(TokenizerJson file, ReadOnlyMemory<byte> json, int fileBytes)
    {
        if (json.IsEmpty || TokenizerJson.IsNull(json))
            throw file.OtherKind("pre_tokenizer", "is null; byte-level BPE needs ByteLevel there.");
        var result = new PreTokenizer();
        int patternChars = 0;
        result.Add(file, json, "pre_tokenizer", 0, ref patternChars);
        if (!result._byteLevel) throw file.OtherKind("pre_tokenizer", "has no ByteLevel; only byte-level BPE is supported.");

        // A compiled pattern weighs up to some 320 bytes per character. Any published file is large enough to pay for that within
        // 16 times its size, so its patterns are checked now; a tiny file's are when first used.
        if (fileBytes >= 24L * patternChars)
            foreach (var step in result._steps) _ = step.Pattern;
        return result;
    }

    private void Run(int step, ReadOnlySpan<char> piece, SplitDeadline deadline, PieceSplitter.PieceAction onPiece)
    {
        // ByteLevel adds its space to every piece that reaches it, before its own split, which is the last step.
        if (step == ByteLevelStep && _addPrefixSpace && piece.Length > 0 && piece[0] != ' ') piece = string.Concat(" ", piece);
        if (step == _steps.Count)
        {
            if (piece.Length > 0) onPiece(piece);
            return;
        }

        _steps[step].Split(piece, deadline, part => Run(step + 1, part, deadline, onPiece));
    }

    private int ByteLevelStep { get; set; }

    private void Add(TokenizerJson file, ReadOnlyMemory<byte> json, string key, int depth, ref int patternChars)
    {
        var members = file.Members(json, key);
        var type = file.Type(members, key);
        if (_byteLevel) throw file.Error(key, $"{TokenizerException.Quote(type)} after ByteLevel is not supported; ByteLevel must come last.");
        switch (type)
        {
            case "Sequence":
                if (depth > 1) throw file.Error(key, "nests sequences too deeply.");
                file.Members(json, key, "type", "pretokenizers");
                if (!members.TryGetValue("pretokenizers", out var parts)) throw file.Error(key + ".pretokenizers", "is missing.");
                int index = 0;
                foreach (var part in file.Elements(parts, key + ".pretokenizers", MaxSteps))
                    Add(file, part, $"{key}.pretokenizers[{index++}]", depth + 1, ref patternChars);
                break;
            case "ByteLevel":
                file.Members(json, key, "type", "add_prefix_space", "trim_offsets", "use_regex");
                _byteLevel = true;
                _addPrefixSpace = file.Flag(members, "add_prefix_space", key, fallback: true);
                ByteLevelStep = _steps.Count;
                if (file.Flag(members, "use_regex", key, fallback: true)) _steps.Add(PieceSplitter.Gpt2(file));
                break;
            case "Split":
                _steps.Add(ParseSplit(file, json, members, key, ref patternChars));
                break;
            case "Digits":
                file.Members(json, key, "type", "individual_digits");
                bool single = file.Flag(members, "individual_digits", key, fallback: false);
                _steps.Add(new PieceSplitter(file, key, new(() => new Regex(single ? @"\p{N}" : @"\p{N}+", RegexOptions.CultureInvariant))));
                break;
            default:
                throw file.OtherKind(key + ".type", $"{TokenizerException.Quote(type)} is not supported; known are ByteLevel, Split, Digits, Sequence.");
        }

        if (_steps.Count > MaxSteps) throw file.Error(key, $"has more than {MaxSteps} steps.");
    }

    private static PieceSplitter ParseSplit(
        TokenizerJson file, ReadOnlyMemory<byte> json, Dictionary<string, ReadOnlyMemory<byte>> members, string key, ref int patternChars)
    {
        file.Members(json, key, "type", "pattern", "behavior", "invert");
        if (!members.TryGetValue("pattern", out var patternJson)) throw file.Error(key + ".pattern", "is missing.");
        var form = file.Members(patternJson, key + ".pattern", "Regex", "String");
        if (form.Count != 1) throw file.Error(key + ".pattern", "must have one of Regex and String.");
        string name = form.Keys.Single();
        string where = $"{key}.pattern.{name}";
        string pattern = file.Text(form[name], where, MaxPattern);
        if (pattern.Length == 0) throw file.Error(where, "is empty.");
        patternChars += pattern.Length;
        string behavior = members.TryGetValue("behavior", out var behaviorJson)
            ? file.Text(behaviorJson, key + ".behavior", 64)
            : throw file.Error(key + ".behavior", "is missing.");
        if (behavior is not ("Isolated" or "Removed"))
            throw file.Error(key + ".behavior", $"{TokenizerException.Quote(behavior)} is not supported; known are Isolated and Removed.");
        bool invert = file.Flag(members, "invert", key, fallback: false);
        bool keepAll = behavior == "Isolated";
        return new PieceSplitter(file, where,
            new(() => new Regex(name == "Regex" ? pattern : Regex.Escape(pattern), RegexOptions.CultureInvariant, SplitDeadline.Match)),
            keepGaps: keepAll || !invert, keepMatches: keepAll || invert);
    }
}
