using System.Text.Json.Serialization;

namespace ExpertCluster.Cli.Output;

/// <summary>A limit that a command judges by.</summary>
/// <param name="Name">What is measured.</param>
/// <param name="Value">What came out.</param>
/// <param name="Limit">What is allowed.</param>
/// <param name="Pass">Whether it holds.</param>
public sealed record Check(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("value")] double Value,
    [property: JsonPropertyName("limit")] double Limit,
    [property: JsonPropertyName("pass")] bool Pass)
{
    /// <summary>Holds when the value is at most the limit; never for NaN.</summary>
    public static Check AtMost(string name, double value, double limit) => new(name, value, limit, value <= limit);

    /// <summary>Holds when the value is at least the limit; never for NaN.</summary>
    public static Check AtLeast(string name, double value, double limit) => new(name, value, limit, value >= limit);

    /// <summary>Holds when it is so.</summary>
    public static Check That(string name, bool holds) => new(name, holds ? 1 : 0, 1, holds);
}
