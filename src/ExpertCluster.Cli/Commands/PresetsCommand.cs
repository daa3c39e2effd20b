using System.CommandLine;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using ExpertCluster.Cli.Verification;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Tensors;

namespace ExpertCluster.Cli.Commands;

/// <summary>Lists the routing presets; as JSON, with whether each makes a gate that decides.</summary>
internal static class PresetsCommand
{
    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("presets", "List routing schemes with paper, year, defaults, and what differs from the paper.") { json };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            if (parsed.GetValue(json))
            {
                await using var executor = new DeviceExecutor("cpu", 1);
                var checks = await executor.RunAsync(PresetVerifier.Run, cancellationToken);
                var list = new JsonArray([.. GatePresets.All.Select(p => (JsonNode)new JsonObject
                {
                    ["name"] = p.Name,
                    ["paper"] = p.Paper,
                    ["year"] = p.Year,
                    ["summary"] = p.Summary,
                    ["gradient"] = Json.Node(p.Gradient),
                    ["defaults"] = new JsonObject(p.Defaults.Select(d => KeyValuePair.Create(d.Key, (JsonNode?)d.Value))),
                    ["differs"] = Json.Node(p.Differs),
                })]);
                return Json.Print(new JsonObject { ["presets"] = list }, checks);
            }

            foreach (var preset in GatePresets.All)
            {
                Console.Out.WriteLine($"{preset.Name} ({preset.Year}): {preset.Summary}");
                Console.Out.WriteLine($"    paper    {preset.Paper}");
                Console.Out.WriteLine($"    defaults {string.Join("; ", preset.Defaults.Select(d => $"{d.Key}: {d.Value}"))}");
                foreach (var difference in preset.Differs)
                {
                    Console.Out.WriteLine($"    differs  {difference}");
                }
            }

            return 0;
        }));
        return command;
    }
}
