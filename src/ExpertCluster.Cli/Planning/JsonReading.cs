using System.Text.Json;

namespace ExpertCluster.Cli.Planning;

/// <summary>Reads values of JSON; an error names where it is, key and value.</summary>
internal static class JsonReading
{
    public static JsonElement Member(JsonElement parent, string key, string where) =>
        parent.TryGetProperty(key, out var value) ? value : throw new InvalidDataException($"{where}: {key} is missing");

    public static int Int(JsonElement parent, string key, string where, int least, int most)
    {
        var value = Member(parent, key, where);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most
            ? number
            : throw new InvalidDataException($"{where}: {key} is {Text(value)}; it must be a whole number from {least} to {most}");
    }

    public static double? Optional(JsonElement parent, string key, string where)
    {
        if (!parent.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return Number(value, key, where);
    }

    /// <summary>A number of at least 0.</summary>
    public static double Number(JsonElement value, string key, string where)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !double.IsFinite(number))
        {
            throw new InvalidDataException($"{where}: {key} is {Text(value)}, not a number");
        }

        return number >= 0 ? number : throw new InvalidDataException($"{where}: {key} is negative ({Text(value)})");
    }

    public static JsonElement[] Array(JsonElement value, string key, string where, int? length = null)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidDataException($"{where}: {key} is {Text(value)}, not a list");
        }

        var items = value.EnumerateArray().ToArray();
        return length is null || items.Length == length
            ? items
            : throw new InvalidDataException($"{where}: {key} has {items.Length} values; it must have {length}");
    }

    public static double[] Numbers(JsonElement value, string key, string where, int? length = null)
    {
        var items = Array(value, key, where, length);
        var numbers = new double[items.Length];
        for (var i = 0; i < items.Length; i++)
        {
            numbers[i] = Number(items[i], $"{key}[{i}]", where);
        }

        return numbers;
    }

    private static string Text(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 40 ? text : text[..40] + "…";
    }
}
