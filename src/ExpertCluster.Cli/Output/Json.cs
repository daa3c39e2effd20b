using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace ExpertCluster.Cli.Output;

/// <summary>How commands print JSON: one object on standard output, with the checks last.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Any value as JSON.</summary>
    public static JsonNode? Node<T>(T value) => JsonSerializer.SerializeToNode(value, Options);

    /// <summary>Prints a result and gives the exit code its checks call for.</summary>
    public static int Print(JsonObject result, IReadOnlyList<Check> checks)
    {
        result.Remove("checks");
        result["checks"] = Node(checks);
        Console.Out.WriteLine(result.ToJsonString(Options));
        return checks.All(c => c.Pass) ? 0 : 1;
    }
}
