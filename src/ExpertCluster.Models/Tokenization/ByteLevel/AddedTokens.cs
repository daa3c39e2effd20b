using System.Text;
using System.Text.Json;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>All <c>added_tokens</c> of a file, by id, and cut out of text.</summary>
internal sealed class AddedTokens
{
    private const int Limit = 1 << 20;
    private readonly Dictionary<int, AddedToken> _byId;
    private readonly TokenMatcher _raw;
    private readonly Lazy<TokenMatcher> _normalized;

    private AddedTokens(Dictionary<int, AddedToken> byId, Func<string, string> normalize)
    {
        _byId = byId;
        _raw = Matcher(byId.Values.Where(token => !token.Normalized), content => content);

        // Later, since the tables of normalisation are larger than what reading a small file may allocate.
        _normalized = new(() => Matcher(byId.Values.Where(token => token.Normalized), normalize));
        MaxId = byId.Count == 0 ? -1 : byId.Keys.Max();
    }

    /// <summary>Highest id, or -1.</summary>
    public int MaxId { get; }

    public bool TryGet(int id, out AddedToken? token) => _byId.TryGetValue(id, out token);

    /// <summary>
    /// Cuts <paramref name="text"/> at the tokens that are matched in raw (or, second, in normalised) text and hands each piece
    /// between, and each token's id, to <paramref name="onText"/> and <paramref name="onToken"/> in order.
    /// </summary>
    public void Cut(string text, bool normalized, Action<string> onText, Action<int> onToken)
    {
        var matcher = normalized ? _normalized.Value : _raw;
        int done = 0, from = 0;
        while (!matcher.IsEmpty && matcher.Find(text, from, out int start, out int length, out int id))
        {
            from = start + length;
            var token = _byId[id];
            int end = from;
            if (start < done || (token.SingleWord && (EndsInWord(text.AsSpan(0, start)) || StartsWithWord(text.AsSpan(end))))) continue;
            if (token.LStrip) while (start > done && char.IsWhiteSpace(text[start - 1])) start--;
            if (token.RStrip) while (end < text.Length && char.IsWhiteSpace(text[end])) end++;
            if (start > done) onText(text[done..start]);
            onToken(id);
            done = end;
        }

        if (done < text.Length) onText(done == 0 ? text : text[done..]);
    }

    public static AddedTokens Parse(TokenizerJson file, ReadOnlyMemory<byte> json, Vocabulary vocabulary, Func<string, string> normalize) =>
        file.Guard("added_tokens", () =>
        {
            var byId = new Dictionary<int, AddedToken>();
            var contents = new HashSet<string>(StringComparer.Ordinal);
            int limit = 0;
            if (!json.IsEmpty && !TokenizerJson.IsNull(json))
            {
                limit = Vocabulary.IdLimit(vocabulary.Count + Count(file, json));
                var reader = TokenizerJson.Reader(json);
                reader.Read();
                for (int index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
                {
                    var token = ReadToken(file, ref reader, $"added_tokens[{index}]");
                    Check(file, token, $"added_tokens[{index}]", vocabulary, limit);
                    if (!byId.TryAdd(token.Id, token)) throw file.Error($"added_tokens[{index}].id", $"{token.Id} appears twice.");
                    if (!contents.Add(token.Content))
                        throw file.Error($"added_tokens[{index}].content", $"{TokenizerException.Quote(token.Content)} appears twice.");
                }
            }

            return new AddedTokens(byId, normalize);
        });

    private static void Check(TokenizerJson file, AddedToken token, string key, Vocabulary vocabulary, int limit)
    {
        if (token.Id > limit)
            throw file.Error(key + ".id", $"{token.Id} is far above what the file's tokens need (at most {limit}); the file is damaged.");
        int inVocabulary = vocabulary.IdOf(Encoding.UTF8.GetBytes(token.Content));
        if (inVocabulary >= 0 && inVocabulary != token.Id)
            throw file.Error(key + ".id", $"is {token.Id}, but model.vocab gives {TokenizerException.Quote(token.Content)} the id {inVocabulary}.");
        if (inVocabulary < 0 && vocabulary.TryText(token.Id, out _))
            throw file.Error(key + ".id", $"{token.Id} belongs to another token of model.vocab.");
    }

    private static AddedToken ReadToken(TokenizerJson file, ref Utf8JsonReader reader, string key)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw file.Error(key, "must be an object.");
        int id = -1;
        string? content = null;
        bool? special = null, normalized = null, lstrip = null, rstrip = null, singleWord = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                if (id >= 0 || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out id) || id < 0)
                    throw file.Error(key + ".id", "must be one whole number from 0 to 2147483646.");
            }
            else if (reader.ValueTextEquals("content"u8))
            {
                reader.Read();
                if (content is not null || reader.TokenType != JsonTokenType.String
                    || reader.ValueSpan.Length is 0 or > 6 * TokenMatcher.MaxLength
                    || (content = reader.GetString()!).Length > TokenMatcher.MaxLength)
                    throw file.Error(key + ".content", $"must be one string of 1 to {TokenMatcher.MaxLength} characters.");
            }
            else if (reader.ValueTextEquals("special"u8)) special = ReadFlag(file, ref reader, key + ".special", special);
            else if (reader.ValueTextEquals("normalized"u8)) normalized = ReadFlag(file, ref reader, key + ".normalized", normalized);
            else if (reader.ValueTextEquals("lstrip"u8)) lstrip = ReadFlag(file, ref reader, key + ".lstrip", lstrip);
            else if (reader.ValueTextEquals("rstrip"u8)) rstrip = ReadFlag(file, ref reader, key + ".rstrip", rstrip);
            else if (reader.ValueTextEquals("single_word"u8)) singleWord = ReadFlag(file, ref reader, key + ".single_word", singleWord);
            else throw file.Error(key, "has a member that is not supported; known are id, content, special, normalized, lstrip, rstrip, single_word.");
        }

        if (id < 0) throw file.Error(key + ".id", "is missing.");
        return new AddedToken
        {
            Id = id,
            Content = content ?? throw file.Error(key + ".content", "is missing."),
            Special = special ?? false,
            Normalized = normalized ?? !(special ?? false),
            LStrip = lstrip ?? false,
            RStrip = rstrip ?? false,
            SingleWord = singleWord ?? false,
        };
    }

    private static bool ReadFlag(TokenizerJson file, ref Utf8JsonReader reader, string key, bool? before)
    {
        reader.Read();
        return before is null && reader.TokenType is JsonTokenType.True or JsonTokenType.False
            ? reader.TokenType == JsonTokenType.True
            : throw file.Error(key, "must be true or false, once.");
    }

    private static int Count(TokenizerJson file, ReadOnlyMemory<byte> json)
    {
        var reader = TokenizerJson.Reader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw file.Error("added_tokens", "must be an array.");
        int count = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++) reader.Skip();
        return count <= Limit ? count : throw file.Error("added_tokens", $"has more than {Limit} elements.");
    }

    private static TokenMatcher Matcher(IEnumerable<AddedToken> tokens, Func<string, string> normalize)
    {
        var list = tokens.ToArray();
        return new([.. list.Select(token => normalize(token.Content))], [.. list.Select(token => token.Id)]);
    }

    private static bool EndsInWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    // What \w means to the reference implementation.
    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is
        System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark
        or System.Globalization.UnicodeCategory.EnclosingMark or System.Globalization.UnicodeCategory.LetterNumber
        or System.Globalization.UnicodeCategory.ConnectorPunctuation;
}
