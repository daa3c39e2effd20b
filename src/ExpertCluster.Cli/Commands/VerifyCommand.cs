using System.CommandLine;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;
using ExpertCluster.Cli.Verification;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cli.Commands;

/// <summary>Compares a checkpoint, run on an embedded cluster, with what a reference implementation answered.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<string> Model = new("DIR")
    {
        Description = "A checkpoint's directory with golden.safetensors in it, or the name of a model that comes along.",
    };

    private static readonly Option<double> Tolerance = new("--tolerance")
    {
        Description = "Largest difference allowed, relative to the largest value of the reference.",
        DefaultValueFactory = _ => 1e-4,
    };

    public static Command Create()
    {
        var nodes = CommonOptions.Nodes(1);
        var threads = CommonOptions.Threads();
        var json = CommonOptions.Json();
        var verbose = CommonOptions.Verbose();
        var command = new Command("verify", "Compare a checkpoint with the answers of a reference implementation.")
        {
            Model, nodes, threads, Tolerance, json, verbose,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var tolerance = parsed.GetValue(Tolerance);
            if (!(tolerance is >= 0 and <= 1))
            {
                throw new UsageException($"--tolerance is {tolerance}; it must be 0 to 1.");
            }

            var directory = ModelDirectory.Find(parsed.GetValue(Model)!);
            using var golden = Golden.Open(directory);
            await using var cluster = await ClusterStart.EmbeddedAsync(
                new EmbeddedClusterOptions
                {
                    Nodes = parsed.GetValue(nodes),
                    Threads = parsed.GetValue(threads),
                    Models = [directory],
                    BeforeStart = runtime => golden.Check(runtime.Models[0].Checkpoint.Shape),
                },
                parsed.GetValue(json), parsed.GetValue(verbose), cancellationToken);
            var report = await new GoldenVerifier(cluster.Model, golden, tolerance).RunAsync(cancellationToken);
            report = report with { Directory = directory, Nodes = parsed.GetValue(nodes), Threads = parsed.GetValue(threads) };
            return parsed.GetValue(json) ? report.PrintJson() : report.PrintText();
        }));
        return command;
    }
}
