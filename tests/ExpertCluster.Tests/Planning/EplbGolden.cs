using System.Text.Json;

namespace ExpertCluster.Tests.Planning;

/// <summary>A case that deepseek-ai/EPLB answered (Goldens/eplb.json).</summary>
internal sealed record EplbGolden(double[][] Load, int Replicas, int Groups, int Nodes, int Gpus, double Mean, double Min)
{
    public bool KeepsGroups => Groups > 1 && Groups % Nodes == 0;

    public static IReadOnlyList<EplbGolden> All { get; } = Read();

    private static EplbGolden[] Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Goldens", "eplb.json")));
        return [.. document.RootElement.EnumerateArray().Select(c => new EplbGolden(
            [.. c.GetProperty("load").EnumerateArray().Select(l => l.EnumerateArray().Select(x => x.GetDouble()).ToArray())],
            c.GetProperty("replicas").GetInt32(),
            c.GetProperty("groups").GetInt32(),
            c.GetProperty("nodes").GetInt32(),
            c.GetProperty("gpus").GetInt32(),
            c.GetProperty("balancedness_mean").GetDouble(),
            c.GetProperty("balancedness_min").GetDouble()))];
    }
}
