using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using Spectre.Console;

namespace ExpertCluster.Cli.Operations;

/// <summary>Answers of a cluster as people read them.</summary>
internal static class OperatorText
{
    public static void Lines(JsonObject answer)
    {
        foreach (var (key, value) in answer)
        {
            Console.Out.WriteLine($"{key.Replace('_', ' ')}: {value?.ToString() ?? "no"}");
        }
    }

    public static void Status(JsonObject answer)
    {
        Console.Out.WriteLine($"balancer on {answer["node"]}: {answer["state"]}{(answer["detail"]?.ToString() is { Length: > 0 } detail ? $" – {detail}" : "")}");
        Console.Out.WriteLine($"{answer["plans"]} plans, {answer["moves"]} copies made, {answer["bytes_moved"]} bytes read, {answer["rolled_back"]} steps rolled back");
        foreach (var step in answer["plan"]?["steps"]?.AsArray() ?? [])
        {
            Console.Out.WriteLine($"  {step!["phase"],-10} {step["step"]}{(step["problem"] is { } problem ? $" ({problem})" : "")}");
        }

        var models = NewTable().AddColumns("model", "epoch", "replicas", "ready", "balancedness, by layer");
        foreach (var model in answer["models"]!.AsArray())
        {
            models.AddRow(
                Text(model!["name"]), Text(model["epoch"]), Text(model["replicas"]), Text(model["ready"]),
                string.Join(' ', model["balancedness"]!.AsArray().Select(b => b is null ? "–" : b.GetValue<double>().ToString("0.00", CultureInfo.InvariantCulture))));
        }

        var nodes = NewTable().AddColumns("node", "replicas", "bytes", "of", "speed", "");
        foreach (var node in answer["nodes"]!.AsArray())
        {
            nodes.AddRow(
                Text(node!["node"]), Text(node["replicas"]), Text(node["bytes"]), Text(node["memory_bytes"]),
                node["speed"]!.GetValue<double>().ToString("0.00", CultureInfo.InvariantCulture),
                node["draining"]!.GetValue<bool>() ? "draining" : Text(node["demoted"]));
        }

        Terminal.Out.Write(models);
        Terminal.Out.Write(nodes);
    }

    public static void Placement(JsonObject answer)
    {
        Console.Out.WriteLine($"{answer["model"]}, epoch {answer["epoch"]}");
        foreach (var layer in answer["replicas"]!.AsArray().GroupBy(r => r!["layer"]!.GetValue<int>()))
        {
            var table = NewTable().AddColumns($"layer {layer.Key}", "experts");
            foreach (var node in layer.GroupBy(r => r!["node"]!.GetValue<string>()).OrderBy(g => g.Key, StringComparer.Ordinal))
            {
                table.AddRow(Markup.Escape(node.Key), string.Join(' ', node.Select(r => Markup.Escape(
                    $"E{r!["expert"]!.GetValue<int>():00}/r{r["number"]}{(r["state"]!.GetValue<string>() is "ready" ? "" : $" ({r["state"]})")}"))));
            }

            Terminal.Out.Write(table);
        }
    }

    public static void History(JsonObject answer)
    {
        var decisions = answer["decisions"]!.AsArray();
        if (decisions.Count == 0)
        {
            Console.Out.WriteLine("Nothing was decided about that.");
        }

        foreach (var decision in decisions)
        {
            var numbers = decision!["numbers"] is JsonObject { Count: > 0 } given
                ? $" [{string.Join(", ", given.Select(n => string.Create(CultureInfo.InvariantCulture, $"{n.Key} {n.Value!.GetValue<double>():0.####}")))}]" : "";
            Console.Out.WriteLine($"{decision["at"]} #{decision["id"]} epoch {decision["epoch"]} {decision["kind"]} {decision["subject"]}: {decision["reason"]}{numbers}");
        }
    }

    public static void Plan(JsonObject answer)
    {
        if (answer["steps"] is not JsonArray steps)
        {
            Lines(answer);
            return;
        }

        Console.Out.WriteLine($"{answer["model"]}: {answer["reason"]}");
        foreach (var step in steps)
        {
            Console.Out.WriteLine($"  {step!["step"]} – {step["reason"]}");
        }

        foreach (var unmet in answer["unmet"]!.AsArray())
        {
            Console.Out.WriteLine($"  can not be met: {unmet}");
        }
    }

    private static Table NewTable() => new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii);

    private static string Text(JsonNode? node) => Markup.Escape(node?.ToString() ?? "");
}
