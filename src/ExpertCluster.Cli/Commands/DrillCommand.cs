using System.CommandLine;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Drills;
using ExpertCluster.Cli.Drills.Report;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Commands;

/// <summary>What happens to a real cluster on this machine, under traffic whose every answer is compared, when something goes wrong.</summary>
internal static class DrillCommand
{
    private static readonly Argument<string> Scenario = new("scenario")
    {
        Description = $"{string.Join(", ", DrillScenarios.List.Select(s => s.Name))}, or {DrillScenarios.All}.",
    };

    private static readonly Option<string?> Model = new("--model")
    {
        Description = $"A checkpoint's directory, or the name of a model that comes along. Default {ModelDirectory.Default}; drift: folio-moe-skewed.",
    };

    private static readonly Option<int> Seconds = Whole("--seconds", 20, "Least length of each phase: control, during, after.");
    private static readonly Option<int> Answers = Whole("--answers", DrillSettings.UsualAnswers, "Verified answers wanted of each phase; it is extended for them.");
    private static readonly Option<int> Tokens = Whole("--tokens", 4, "Tokens of each answer.");
    private static readonly Option<int> Copies = Whole("--copies", 1, "Replicas of each expert (Balancer:Copies).");
    private static readonly Option<int> Cycles = Whole("--cycles", 20, "Nodes that come and go in grow-shrink.");
    private static readonly Option<int> Clients = Whole("--clients", 8, "Clients that saturate the cluster in the warm-up.");

    private static readonly Option<int?> Seed = new("--seed") { Description = "What prompts and choices are drawn from. By default a new one each time; it is printed." };

    private static readonly Option<double> LoadShare = new("--load-share")
    {
        Description = "Offered load by the throughput of the warm-up.",
        DefaultValueFactory = _ => 0.5,
    };

    private static readonly Option<string?> Logs = new("--logs") { Description = "A folder for the nodes' logs." };

    private static readonly Option<double?> MaxFailed = Limit("--max-failed", "requests without a full answer (0)");
    private static readonly Option<double?> MaxWrong = Limit("--max-wrong", "answers with a wrong token (0)");
    private static readonly Option<double?> MaxGap = Limit("--max-gap", "seconds without a token for anybody during the fault");
    private static readonly Option<double?> MaxCoverage = Limit("--max-coverage", "seconds until every expert has its copies again");
    private static readonly Option<double?> MaxP99Ratio = Limit("--max-p99-ratio", "p99 during the fault by that of the control phase");
    private static readonly Option<double?> MaxMemoryRatio = Limit("--max-memory-ratio", "memory of a process at the end by that after the warm-up");
    private static readonly Option<double?> MaxMemoryMb = Limit("--max-memory-mb", "MiB that a process may grow whatever the ratio");
    private static readonly Option<double?> MaxHandles = Limit("--max-handles", "descriptors or threads that a process may have more at the end");
    private static readonly Option<double?> MaxMoves = Limit("--max-moves", "replicas moved");
    private static readonly Option<double?> MaxSteadyMoves = Limit("--max-steady-moves", "replicas moved in the control phase");
    private static readonly Option<double?> MinGain = Limit("--min-balancedness-gain", "balancedness gained by the hottest layer");
    private static readonly Option<double?> MinBalancedness = Limit("--min-balancedness", "balancedness that is enough whatever was gained");

    public static Command Create()
    {
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var command = new Command("drill", "Rehearse a fault: a cluster of processes on this machine, under traffic whose every answer is compared.")
        {
            Scenario, Seconds, Answers, Tokens, Copies, Cycles, Clients, Seed, LoadShare, Model, threads, Logs, MaxFailed, MaxWrong, MaxGap, MaxCoverage,
            MaxP99Ratio, MaxMemoryRatio, MaxMemoryMb, MaxHandles, MaxMoves, MaxSteadyMoves, MinGain, MinBalancedness, json,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var scenarios = DrillScenarios.Find(parsed.GetValue(Scenario)!);
            if (OperatingSystem.IsWindows())
            {
                throw new UsageException("drill needs the signals of Unix: run it on Linux or macOS.");
            }

            // Printed before anything can fail, so that a failed drill can be repeated.
            var seed = parsed.GetValue(Seed) ?? Random.Shared.Next();
            Console.Error.WriteLine($"seed {seed}");
            var results = new List<DrillResult>();
            foreach (var scenario in scenarios)
            {
                var directory = ModelDirectory.Find(parsed.GetValue(Model) ?? (scenario.Name == "drift" ? "folio-moe-skewed" : ModelDirectory.Default));
                var settings = new DrillSettings(
                    scenario.Name, Path.GetFileName(directory.TrimEnd(Path.DirectorySeparatorChar)), parsed.GetValue(Seconds), parsed.GetValue(Answers),
                    parsed.GetValue(Tokens), seed, parsed.GetValue(Copies), parsed.GetValue(Cycles), parsed.GetValue(threads), parsed.GetValue(Clients),
                    parsed.GetValue(LoadShare))
                {
                    Logs = parsed.GetValue(Logs) is { } logs ? Path.Combine(logs, scenario.Name) : null,
                };
                settings.Validate();
                results.Add(await DrillRunner.RunAsync(
                    settings, scenario, directory, Asked(parsed), text => Console.Error.WriteLine(text), cancellationToken));
                if (!parsed.GetValue(json))
                {
                    results[^1].Write();
                }
            }

            return parsed.GetValue(json) ? PrintJson(results) : results.All(r => r.Checks.All(c => c.Pass)) ? 0 : 1;
        }));
        return command;
    }

    private static int PrintJson(List<DrillResult> results) => results.Count == 1
        ? Json.Print(results[0].ToJson(), results[0].Checks)
        : Json.Print(
            new JsonObject { ["drills"] = new JsonArray([.. results.Select(r => r.ToJson())]) },
            [.. results.SelectMany(r => r.Checks.Select(c => c with { Name = $"{r.Scenario}: {c.Name}" }))]);

    private static DrillLimits Asked(ParseResult parsed) => new()
    {
        MaxFailed = parsed.GetValue(MaxFailed),
        MaxWrong = parsed.GetValue(MaxWrong),
        MaxGapSeconds = parsed.GetValue(MaxGap),
        MaxCoverageSeconds = parsed.GetValue(MaxCoverage),
        MaxP99Ratio = parsed.GetValue(MaxP99Ratio),
        MaxMemoryRatio = parsed.GetValue(MaxMemoryRatio),
        MaxMemoryGrowthMb = parsed.GetValue(MaxMemoryMb),
        MaxHandleGrowth = parsed.GetValue(MaxHandles),
        MaxMoves = parsed.GetValue(MaxMoves),
        MaxSteadyMoves = parsed.GetValue(MaxSteadyMoves),
        MinBalancednessGain = parsed.GetValue(MinGain),
        MinBalancedness = parsed.GetValue(MinBalancedness),
    };

    private static Option<int> Whole(string name, int initial, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => initial,
    };

    private static Option<double?> Limit(string name, string what) => new(name) { Description = $"Limit: {what}. Each scenario has its own; see docs/drills.md." };
}
