using System.Globalization;
using System.Text.Json;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Models;

/// <summary>
/// A JSON configuration file, read strictly: every getter checks kind and range and names file and key when something is wrong.
/// A key whose value is <c>null</c> counts as absent.
/// </summary>
public sealed class ConfigFile
{
    // config.json of the largest published models is some 10 KB.
    private const long MaxLength = 16 * 1024 * 1024;

    private readonly JsonElement _root;
    private readonly string _prefix;

    private ConfigFile(string path, byte[] bytes, JsonElement root, string prefix)
    {
        Path = path;
        Bytes = bytes;
        _root = root;
        _prefix = prefix;
    }

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>The file's content.</summary>
    internal byte[] Bytes { get; }

    /// <summary>Reads a file whose content must be a JSON object.</summary>
    /// <exception cref="ModelException">Missing, unreadable, not JSON (line given), or not an object.</exception>
    public static ConfigFile Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = BoundedFile.Read(
                path, MaxLength, length => new ModelException(path, null, $"has {length} bytes, above the limit of {MaxLength}."));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(path, null, "cannot be read: " + e.Message.ReplaceLineEndings(" "));
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigFile(path, bytes, document.RootElement.Clone(), "")
                : throw new ModelException(path, null, "is not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new ModelException(path, null, $"is not valid JSON, line {e.LineNumber + 1}: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    /// <summary>Whether a key is there with a value other than null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>A whole number that must be there.</summary>
    public int Int(string key, int min, int max) => OptionalInt(key, min, max) ?? throw Missing(key);

    /// <summary>A whole number, or null when absent.</summary>
    public int? OptionalInt(string key, int min, int max)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= min && number <= max
            ? number
            : throw Wrong(key, value, $"a whole number from {min} to {max}");
    }

    /// <summary>A number, or <paramref name="absent"/> when absent.</summary>
    public double Number(string key, double min, double max, double absent)
    {
        if (Find(key) is not { } value)
        {
            return absent;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= min && number <= max
            ? number
            : throw Wrong(key, value, FormattableString.Invariant($"a number from {min} to {max}"));
    }

    /// <summary>A truth value, or <paramref name="absent"/> when absent.</summary>
    public bool Flag(string key, bool absent) => Find(key) is not { } value
        ? absent
        : value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, value, "true or false"),
        };

    /// <summary>A string, or null when absent.</summary>
    public string? Text(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(key, value, "a string");

    /// <summary>A whole number or a list of them; empty when absent.</summary>
    public IReadOnlyList<int> Ints(string key, int min, int max)
    {
        if (Find(key) is not { } value)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return [Int(key, min, max)];
        }

        var numbers = new List<int>();
        foreach (JsonElement item in value.EnumerateArray())
        {
            numbers.Add(item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) && number >= min && number <= max
                ? number
                : throw Wrong(key, item, $"whole numbers from {min} to {max}"));
        }

        return numbers;
    }

    /// <summary>A list of strings, or null when absent.</summary>
    public IReadOnlyList<string>? Texts(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)]
            : throw Wrong(key, value, "a list of strings");
    }

    /// <summary>Names of the keys that are there with a value other than null.</summary>
    public IEnumerable<string> Keys => _root.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Null).Select(p => p.Name);

    /// <summary>A nested object, or null when absent.</summary>
    public ConfigFile? Section(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Object
            ? new ConfigFile(Path, Bytes, value, _prefix + key + ".")
            : throw Wrong(key, value, "an object");

    /// <summary>Refuses a key unless it is absent or has the only value that is supported.</summary>
    /// <param name="key">The key.</param>
    /// <param name="supported">The value as JSON text, for example <c>false</c> or <c>"silu"</c>; null when only absence will do.</param>
    public void Only(string key, string? supported)
    {
        if (Find(key) is { } value && value.GetRawText() != supported)
        {
            throw new ModelException(
                Path, _prefix + key, $"is {Short(value)}, which is not supported; {(supported is null ? "it must be absent" : "only " + supported + " is")}.");
        }
    }

    /// <summary>Refuses a key unless it is absent or has one of the values that change nothing.</summary>
    /// <param name="key">The key.</param>
    /// <param name="supported">Values as JSON text; numbers compare by value and lists by their text without blanks.</param>
    public void OnlyOneOf(string key, params ReadOnlySpan<string> supported)
    {
        if (Find(key) is not { } value)
        {
            return;
        }

        string text = string.Concat(value.GetRawText().Where(c => !char.IsWhiteSpace(c)));
        foreach (string one in supported)
        {
            if (text == one || (value.ValueKind == JsonValueKind.Number
                && double.TryParse(one, CultureInfo.InvariantCulture, out double number) && value.GetDouble() == number))
            {
                return;
            }
        }

        throw Error(key, $"is {Short(value)}, which is not supported here; {(supported.Length == 0 ? "it must be absent" : "only " + string.Join(" or ", supported.ToArray()) + " is")}.");
    }

    /// <summary>The error for a key that must be there.</summary>
    public ModelException Missing(string key) => new(Path, _prefix + key, "is missing.");

    /// <summary>The error for a key whose value does not do.</summary>
    public ModelException Error(string key, string message) => new(Path, _prefix + key, message);

    private static string Short(JsonElement value)
    {
        string text = value.GetRawText().ReplaceLineEndings(" ");
        return text.Length > 60 ? text[..60] + "…" : text;
    }

    private ModelException Wrong(string key, JsonElement value, string expected) => Error(key, $"is {Short(value)}, expected {expected}.");

    private JsonElement? Find(string key) =>
        _root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
