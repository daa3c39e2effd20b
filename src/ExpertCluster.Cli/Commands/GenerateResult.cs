using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using ExpertCluster.Client;
using Spectre.Console;

namespace ExpertCluster.Cli.Commands;

/// <summary>What <c>generate</c> tells at its end: the figures, and what the cluster did.</summary>
internal sealed record GenerateResult(
    string Model, string Prompt, string Text, IReadOnlyList<int> Tokens, FinishReason? Finish, int PromptTokens, TimeSpan FirstToken,
    double FirstTokenSinceStart, TimeSpan Took, ClusterReport Cluster)
{
    private double TokensPerSecond => Tokens.Count / Math.Max(Took.TotalSeconds, 1e-9);

    public int PrintJson()
    {
        var result = new JsonObject
        {
            ["model"] = Model,
            ["prompt"] = Prompt,
            ["text"] = Text,
            ["tokens"] = Json.Node(Tokens),
            ["finishReason"] = Json.Node(Finish),
            ["promptTokens"] = PromptTokens,
            ["generatedTokens"] = Tokens.Count,
            ["secondsToFirstToken"] = FirstToken.TotalSeconds,
            ["secondsFromProcessStartToFirstToken"] = FirstTokenSinceStart,
            ["seconds"] = Took.TotalSeconds,
            ["tokensPerSecond"] = TokensPerSecond,
            ["cluster"] = Json.Node(Cluster),
        };
        return Json.Print(result, [Check.That("finished", Finish is not null)]);
    }

    public int PrintText()
    {
        Terminal.Out.WriteLine();
        Terminal.Out.WriteLine();
        var nodes = new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii)
            .AddColumns("node", "roles", "device", "threads", "experts held");
        foreach (var node in Cluster.Nodes)
        {
            nodes.AddRow(
                Markup.Escape(node.Address), string.Join(", ", node.Roles), node.Device,
                node.Threads.ToString(CultureInfo.InvariantCulture), node.Experts.ToString(CultureInfo.InvariantCulture));
        }

        Terminal.Out.Write(nodes);
        PrintLoad();
        Terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Tokens.Count} tokens in {Took.TotalSeconds:0.00} s: {TokensPerSecond:0.0} tokens/s, first token after "
            + $"{FirstToken.TotalMilliseconds:0} ms ({FirstTokenSinceStart:0.0} s from process start), placement epoch {Cluster.Epoch}, "
            + $"{Cluster.Retries} retries")
            + (Cluster.Degraded > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Cluster.Degraded} rows without some of their experts") : ""));
        return Finish is null ? 1 : 0;
    }

    /// <summary>Tokens routed to each expert: a bar for each, a line for each layer when there are many.</summary>
    private void PrintLoad()
    {
        const int BarWidth = 24;
        const int ManyLayers = 8;
        var layers = Cluster.TokensRouted.Take(ManyLayers).ToArray();
        var most = Math.Max(1, layers.SelectMany(l => l).DefaultIfEmpty(1).Max());
        Terminal.Out.WriteLine("tokens routed per expert:");
        for (var layer = 0; layer < layers.Length; layer++)
        {
            var rows = layers[layer];
            if (rows.Count > 16)
            {
                Terminal.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  L{layer:00} {rows.Count} experts: least {rows.Min()}, most {rows.Max()} (E{rows.ToList().IndexOf(rows.Max()):00})"));
                continue;
            }

            for (var expert = 0; expert < rows.Count; expert++)
            {
                var bar = new string('#', (int)Math.Round((double)BarWidth * rows[expert] / most));
                Terminal.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"  L{layer:00}/E{expert:00} {rows[expert],6} {bar}"));
            }
        }

        if (Cluster.TokensRouted.Count > ManyLayers)
        {
            Terminal.Out.WriteLine($"  … {Cluster.TokensRouted.Count - ManyLayers} more layers (--json has them all)");
        }
    }
}
