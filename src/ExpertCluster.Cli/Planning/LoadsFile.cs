using System.Text.Json;

namespace ExpertCluster.Cli.Planning;

/// <summary>Reads a file of cases: a list of objects, or one object.</summary>
internal static class LoadsFile
{
    public static IReadOnlyList<LoadsCase> Read(string path)
    {
        var name = Path.GetFileName(path);
        using var stream = File.OpenRead(path);
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(stream);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{name}: not JSON at line {e.LineNumber + 1}: {e.Message}", e);
        }

        using (document)
        {
            var root = document.RootElement;
            var cases = root.ValueKind == JsonValueKind.Object ? [root] : JsonReading.Array(root, "the file's content", name);
            return cases.Length > 0 ? [.. cases.Select((item, number) => Case(item, number, $"{name}: case {number}"))]
                : throw new InvalidDataException($"{name}: the list holds no case");
        }
    }

    private static LoadsCase Case(JsonElement item, int number, string where)
    {
        if (item.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{where}: it must be an object with load, replicas, groups, nodes and gpus");
        }

        var load = Loads(JsonReading.Member(item, "load", where), "load", where, null, null);
        var experts = load[0].Length;
        var gpus = JsonReading.Int(item, "gpus", where, 1, 4096);
        var replicas = JsonReading.Int(item, "replicas", where, experts, 1_000_000);
        var next = item.TryGetProperty("load_next", out var later) && later.ValueKind != JsonValueKind.Null
            ? Loads(later, "load_next", where, load.Length, experts)
            : null;
        return new LoadsCase
        {
            Number = number,
            Kind = item.TryGetProperty("kind", out var kind) && kind.ValueKind == JsonValueKind.String ? kind.GetString()! : "",
            Load = load,
            LoadNext = next,
            Present = Present(item, where, load.Length, replicas, experts, gpus),
            Replicas = replicas,
            Groups = JsonReading.Int(item, "groups", where, 1, experts),
            Nodes = JsonReading.Int(item, "nodes", where, 1, gpus),
            Gpus = gpus,
            BalancednessMean = JsonReading.Optional(item, "balancedness_mean", where),
            BalancednessMin = JsonReading.Optional(item, "balancedness_min", where),
            Seconds = JsonReading.Optional(item, "seconds", where),
        };
    }

    private static double[][] Loads(JsonElement value, string key, string where, int? layers, int? experts)
    {
        var rows = JsonReading.Array(value, key, where, layers);
        var loads = new double[rows.Length][];
        for (var layer = 0; layer < rows.Length; layer++)
        {
            loads[layer] = JsonReading.Numbers(rows[layer], $"{key}[{layer}]", where, experts ?? (layer > 0 ? loads[0].Length : null));
        }

        return loads.Length > 0 && loads[0].Length > 0 ? loads : throw new InvalidDataException($"{where}: {key} is empty");
    }

    private static int[][]? Present(JsonElement item, string where, int layers, int replicas, int experts, int gpus)
    {
        if (!item.TryGetProperty("present", out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (replicas % gpus != 0)
        {
            throw new InvalidDataException($"{where}: present says which GPU a slot is on only where gpus ({gpus}) divides replicas ({replicas})");
        }

        var rows = JsonReading.Array(value, "present", where, layers);
        var present = new int[layers][];
        for (var layer = 0; layer < layers; layer++)
        {
            var slots = JsonReading.Array(rows[layer], $"present[{layer}]", where, replicas);
            present[layer] = new int[replicas];
            for (var slot = 0; slot < replicas; slot++)
            {
                present[layer][slot] = slots[slot].ValueKind == JsonValueKind.Number && slots[slot].TryGetInt32(out var expert) && expert >= -1 && expert < experts
                    ? expert
                    : throw new InvalidDataException($"{where}: present[{layer}][{slot}] is {slots[slot].GetRawText()}; it must be an expert from 0 to {experts - 1}, or -1");
            }
        }

        return present;
    }
}
