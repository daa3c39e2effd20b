using System.Text.Json;

namespace ExpertCluster.Cli.Planning.Replay;

/// <summary>Reads a trace: JSON lines, the first a header.</summary>
internal static class TraceFile
{
    public static RouterTrace Read(string path)
    {
        var name = Path.GetFileName(path);
        var (header, lines) = (default(RouterTrace), new List<TraceLine>());
        string? pending = null;
        var (number, warning) = (0, default(string));
        foreach (var line in File.ReadLines(path).Append(null))
        {
            // The last line may be cut off, so a line is judged when the next one is there.
            if (pending is not null)
            {
                var where = $"{name}: line {number}";
                if (Parse(pending, where, last: line is null && header is not null, out var document))
                {
                    using (document)
                    {
                        if (header is null)
                        {
                            header = Header(document!.RootElement, where);
                        }
                        else
                        {
                            lines.Add(Line(document!.RootElement, header, where));
                        }
                    }
                }
                else
                {
                    warning = $"{where} is cut off; read up to there";
                }
            }

            (pending, number) = (line, number + 1);
        }

        return header is null ? throw new InvalidDataException($"{name}: the file is empty") : header with { Lines = lines, Warning = warning };
    }

    private static bool Parse(string text, string where, bool last, out JsonDocument? document)
    {
        try
        {
            document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException e)
        {
            document = null;
            return last ? false : throw new InvalidDataException($"{where}: not JSON: {e.Message}", e);
        }
    }

    private static RouterTrace Header(JsonElement root, string where)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("trace", out var kind) || kind.ValueKind != JsonValueKind.String
            || kind.GetString() != "expertcluster-router")
        {
            throw new InvalidDataException($"{where}: it must begin a trace with \"trace\": \"expertcluster-router\"");
        }

        JsonReading.Int(root, "version", where, 1, 1);
        var layers = JsonReading.Array(JsonReading.Member(root, "layers", where), "layers", where)
            .Select((layer, i) => layer.ValueKind == JsonValueKind.Number && layer.TryGetInt32(out var n) && n >= 0
                ? n : throw new InvalidDataException($"{where}: layers[{i}] is {layer.GetRawText()}, not the number of a layer")).ToArray();
        if (layers.Length == 0 || layers.Distinct().Count() != layers.Length)
        {
            throw new InvalidDataException($"{where}: layers must hold each layer once, and at least one");
        }

        var bytes = JsonReading.Member(root, "expert_bytes", where);
        return new RouterTrace(
            root.TryGetProperty("model", out var model) && model.ValueKind == JsonValueKind.String ? model.GetString()! : "",
            layers,
            JsonReading.Int(root, "experts", where, 1, 65536),
            bytes.ValueKind == JsonValueKind.Number && bytes.TryGetInt64(out var size) && size > 0
                ? size : throw new InvalidDataException($"{where}: expert_bytes is {bytes.GetRawText()}; it must be a whole number above 0"),
            [],
            null);
    }

    private static TraceLine Line(JsonElement root, RouterTrace header, string where)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{where}: it must be an object with t, layer, prefill and decode");
        }

        var layer = JsonReading.Int(root, "layer", where, 0, int.MaxValue);
        var index = header.Layers.Select((l, i) => (l, i)).Where(l => l.l == layer).Select(l => l.i).DefaultIfEmpty(-1).First();
        if (index < 0)
        {
            throw new InvalidDataException($"{where}: layer is {layer}, which the first line does not name");
        }

        var rows = JsonReading.Numbers(JsonReading.Member(root, "prefill", where), "prefill", where, header.Experts);
        var decode = JsonReading.Numbers(JsonReading.Member(root, "decode", where), "decode", where, header.Experts);
        for (var expert = 0; expert < rows.Length; expert++)
        {
            rows[expert] += decode[expert];
        }

        return new TraceLine(JsonReading.Number(JsonReading.Member(root, "t", where), "t", where), index, rows);
    }
}
