using System.CommandLine;
using ExpertCluster.Cli.Benchmarks;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Commands;

/// <summary>Many requests at once: in one process without actors, on embedded nodes, and on node processes through the client SDK.</summary>
internal static class BenchGenerateCommand
{
    private static readonly Option<string> Concurrency = new("--concurrency")
    {
        Description = "Requests under way at once, several numbers separated by commas.",
        DefaultValueFactory = _ => "1,8,32",
    };

    private static readonly Option<string> Model = new("--model")
    {
        Description = "A checkpoint's directory, or the name of a model that comes along.",
        DefaultValueFactory = _ => ModelDirectory.Default,
    };

    private static readonly Option<int> MaxTokens = new("--max-tokens")
    {
        Description = "New tokens of each request.",
        DefaultValueFactory = _ => 64,
    };

    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "Alternating rounds; medians are taken over them.",
        DefaultValueFactory = _ => 5,
    };

    private static readonly Option<int> DirectThreads = new("--direct-threads")
    {
        // Measured with folio-moe on 2 cores: 2 are no faster, and when anything else runs they wait for each other at a hundredth of the speed.
        Description = "libtorch threads of the direct run.",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<double> MinRatio = new("--min-ratio")
    {
        Description = "Limit: tokens/s of the processes over those of the direct run, at concurrency 8.",
        DefaultValueFactory = _ => 0.6,
    };

    private static readonly Option<double> MinScaling = new("--min-scaling")
    {
        Description = "Limit: tokens/s at concurrency 32 over those at 1, of the embedded nodes and of the processes.",
        DefaultValueFactory = _ => 6,
    };

    public static Command Create()
    {
        var nodes = new Option<int>("--nodes")
        {
            Description = "Nodes of either cluster, embedded and as processes, 1 to 64.",
            DefaultValueFactory = _ => 3,
        };
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var verbose = CommonOptions.Verbose();
        var command = new Command("generate", "Generation: direct, on embedded nodes, and on node processes.")
        {
            Concurrency, Model, MaxTokens, Rounds, nodes, threads, DirectThreads, MinRatio, MinScaling, json, verbose,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var concurrency = GenerateBenchmarkSettings.ParseConcurrency(parsed.GetValue(Concurrency)!);
            var directory = ModelDirectory.Find(parsed.GetValue(Model)!);
            var settings = new GenerateBenchmarkSettings(
                Path.GetFileName(directory.TrimEnd(Path.DirectorySeparatorChar)), concurrency, parsed.GetValue(MaxTokens), parsed.GetValue(Rounds),
                parsed.GetValue(nodes), parsed.GetValue(threads), parsed.GetValue(DirectThreads), parsed.GetValue(MinRatio),
                parsed.GetValue(MinScaling));
            settings.Validate();
            var result = await GenerateBenchmark.RunAsync(
                settings, directory, parsed.GetValue(json), parsed.GetValue(verbose), cancellationToken);
            return parsed.GetValue(json) ? result.PrintJson() : result.PrintText();
        }));
        return command;
    }
}
