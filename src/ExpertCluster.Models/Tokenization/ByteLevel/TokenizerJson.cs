using System.Text.Json;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>Reading helpers over slices of one tokenizer.json, each error naming file and key. No document model: a slice costs nothing.</summary>
internal sealed class TokenizerJson(string file)
{
    private const int MaxMembers = 32;
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 32 };

    public string File { get; } = file;

    public TokenizerException Error(string key, string message, Exception? inner = null) => new(File, key, message, inner);

    public TokenizerException OtherKind(string key, string message) => new(File, key, message) { IsOtherKind = true };

    public static Utf8JsonReader Reader(ReadOnlyMemory<byte> json) => new(json.Span, Options);

    /// <summary>Runs <paramref name="read"/>, turning the reader's exceptions into errors that name file and key.</summary>
    public T Guard<T>(string key, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (JsonException error)
        {
            throw Error(key, $"is not valid JSON ({error.Message}) – download the file again.", error);
        }
        catch (InvalidOperationException error)
        {
            // What the reader throws for text that is not valid UTF-8 or UTF-16.
            throw Error(key, $"holds text that is not valid Unicode ({error.Message}) – download the file again.", error);
        }
    }

    /// <summary>The members of a small object, each as the slice of its value. Null stands for a missing object and is refused.</summary>
    public Dictionary<string, ReadOnlyMemory<byte>> Members(ReadOnlyMemory<byte> json, string key, params ReadOnlySpan<string> known)
    {
        var names = known.ToArray();
        return Guard(key, () => ReadMembers(json, key, names));
    }

    /// <summary>The elements of an array as slices, at most <paramref name="limit"/>.</summary>
    public List<ReadOnlyMemory<byte>> Elements(ReadOnlyMemory<byte> json, string key, int limit) => Guard(key, () =>
    {
        var reader = Reader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) throw Error(key, "must be an array.");
        var elements = new List<ReadOnlyMemory<byte>>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (elements.Count == limit) throw Error(key, $"has more than {limit} elements.");
            elements.Add(Value(ref reader, json));
        }

        return elements;
    });

    public string Text(ReadOnlyMemory<byte> json, string key, int limit) => Guard(key, () =>
    {
        var reader = Reader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.String) throw Error(key, "must be a string.");
        if (reader.ValueSpan.Length > 6 * limit) throw Error(key, $"is longer than {limit} characters.");
        var text = reader.GetString()!;
        return text.Length <= limit ? text : throw Error(key, $"is longer than {limit} characters.");
    });

    public bool Flag(Dictionary<string, ReadOnlyMemory<byte>> members, string name, string key, bool fallback)
    {
        if (!members.TryGetValue(name, out var json) || IsNull(json)) return fallback;
        if (json.Span.SequenceEqual("true"u8)) return true;
        return json.Span.SequenceEqual("false"u8) ? false : throw Error($"{key}.{name}", "must be true or false.");
    }

    /// <summary>The <c>type</c> of a component.</summary>
    public string Type(Dictionary<string, ReadOnlyMemory<byte>> members, string key) => members.TryGetValue("type", out var json)
        ? Text(json, key + ".type", 64)
        : throw Error(key + ".type", "is missing.");

    public static bool IsNull(ReadOnlyMemory<byte> json) => json.Span.SequenceEqual("null"u8);

    /// <summary>Whether the member is absent or null.</summary>
    public static bool IsAbsent(Dictionary<string, ReadOnlyMemory<byte>> members, string name) =>
        !members.TryGetValue(name, out var json) || IsNull(json);

    private Dictionary<string, ReadOnlyMemory<byte>> ReadMembers(ReadOnlyMemory<byte> json, string key, string[] known)
    {
        var reader = Reader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Error(key, "must be an object.");
        var members = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueSpan.Length > 256 || members.Count == MaxMembers)
                throw Error(key, $"has a name longer than 256 bytes or more than {MaxMembers} members; that is no tokenizer file we know.");
            var name = reader.GetString()!;
            reader.Read();
            if (!members.TryAdd(name, Value(ref reader, json)))
                throw Error(key, $"has {TokenizerException.Quote(name)} twice.");
            if (known.Length > 0 && !known.Contains(name) && !IsNull(members[name]))
                throw Error(key, $"has {TokenizerException.Quote(name)}, which is not supported; known are {string.Join(", ", known)}.");
        }

        // Anything after the object makes the reader throw.
        while (reader.Read())
        {
        }

        return members;
    }

    private static ReadOnlyMemory<byte> Value(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json)
    {
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
    }
}
