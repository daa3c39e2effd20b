using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Tests.Tokenization;

/// <summary>Writes tokenizer.json files: the 256 byte tokens, merges, and whatever a test puts on top.</summary>
internal sealed class TokenizerJsonBuilder
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly JsonObject _vocab = [];
    private readonly JsonArray _merges = [];
    private readonly List<(string, string)> _pairs = [];

    public TokenizerJsonBuilder()
    {
        for (int value = 0; value < 256; value++) _vocab[Letter((byte)value)] = value;
        Root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"""),
            ["post_processor"] = null,
            ["decoder"] = JsonNode.Parse("""{"type":"ByteLevel"}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = _vocab,
                ["merges"] = _merges,
            },
        };
    }

    public JsonObject Root { get; }

    public JsonObject Model => (JsonObject)Root["model"]!;

    public IReadOnlyList<(string Left, string Right)> Pairs => _pairs;

    public int NextId { get; private set; } = 256;

    /// <summary>GPT-2's character of a byte, written out independently of the code under test.</summary>
    public static string Letter(byte value)
    {
        if (value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174)) return ((char)value).ToString();
        return ((char)(value switch { <= 32 => 256 + value, <= 160 => 256 + 33 + value - 127, _ => 256 + 67 })).ToString();
    }

    public static string Spell(string text) => string.Concat(System.Text.Encoding.UTF8.GetBytes(text).Select(Letter));

    public int IdOf(string spelled) => _vocab[spelled]!.GetValue<int>();

    public bool Has(string spelled) => _vocab.ContainsKey(spelled);

    public TokenizerJsonBuilder Token(string spelled)
    {
        if (!_vocab.ContainsKey(spelled)) _vocab[spelled] = NextId++;
        return this;
    }

    /// <summary>Adds a merge of two tokens by their plain text.</summary>
    public TokenizerJsonBuilder Merge(string left, string right, bool asText = false) => MergeSpelled(Spell(left), Spell(right), asText);

    public TokenizerJsonBuilder MergeSpelled(string a, string b, bool asText = false)
    {
        if (_pairs.Contains((a, b))) return this;
        Token(a + b);
        _pairs.Add((a, b));
        _merges.Add(asText ? JsonValue.Create(a + " " + b) : new JsonArray(a, b));
        return this;
    }

    public TokenizerJsonBuilder Added(
        string content, bool special = true, bool normalized = false, bool lstrip = false, bool rstrip = false, bool singleWord = false)
    {
        int id = Has(content) ? IdOf(content) : NextId++;
        ((JsonArray)Root["added_tokens"]!).Add(new JsonObject
        {
            ["id"] = id,
            ["content"] = content,
            ["single_word"] = singleWord,
            ["lstrip"] = lstrip,
            ["rstrip"] = rstrip,
            ["normalized"] = normalized,
            ["special"] = special,
        });
        return this;
    }

    public TokenizerJsonBuilder With(string key, string json)
    {
        JsonNode target = Root;
        var parts = key.Split('.');
        foreach (var part in parts[..^1]) target = target[part]!;
        target[parts[^1]] = JsonNode.Parse(json);
        return this;
    }

    public byte[] Bytes() => JsonSerializer.SerializeToUtf8Bytes(Root, Relaxed);

    public ITextTokenizer Build() => TokenizerLoader.ParseJson(Bytes(), "tokenizer.json");
}
