using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Benchmarks;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models.Synthetic;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cli.Commands;

/// <summary>How long a cluster takes until all of its replicas are ready, with experts so small that only the actors count.</summary>
internal static class BenchStartCommand
{
    private static readonly Option<int> Layers = new("--layers") { Description = "Layers.", DefaultValueFactory = _ => 32 };

    private static readonly Option<int> Experts = new("--experts") { Description = "Experts per layer.", DefaultValueFactory = _ => 32 };

    private static readonly Option<double> LimitSeconds = new("--limit-seconds")
    {
        Description = "The check's limit.",
        DefaultValueFactory = _ => 30,
    };

    private static readonly Option<double> LimitPublish = new("--limit-publish-seconds")
    {
        Description = "The limit for a publication of the whole placement to reach every node.",
        DefaultValueFactory = _ => 5,
    };

    public static Command Create()
    {
        var nodes = CommonOptions.Nodes(3);
        var json = CommonOptions.Json();
        var verbose = CommonOptions.Verbose();
        var command = new Command("start", "Start many idle replicas on embedded nodes.") { Layers, Experts, nodes, LimitSeconds, LimitPublish, json, verbose };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var (layers, experts, count) = (parsed.GetValue(Layers), parsed.GetValue(Experts), parsed.GetValue(nodes));
            if (layers is < 1 or > 1024 || experts is < 1 or > 4096)
            {
                throw new UsageException($"--layers is {layers} and --experts {experts}; 1 to 1024 layers of 1 to 4096 experts are possible.");
            }

            using var checkpoint = TemporaryCheckpoint.Write(new SyntheticCheckpointOptions
            {
                Layers = layers,
                Experts = experts,
                TopK = 1,
                Hidden = 4,
                Ffn = 4,
                Vocab = 16,
                Heads = 1,
                KvHeads = 1,
            });
            var clock = Stopwatch.StartNew();
            await using var cluster = await ClusterStart.EmbeddedAsync(
                new EmbeddedClusterOptions { Nodes = count, Models = [checkpoint.Directory] }, parsed.GetValue(json), parsed.GetValue(verbose),
                cancellationToken);
            var seconds = clock.Elapsed.TotalSeconds;
            var publication = await PlacementPublication.MeasureAsync(cluster, cancellationToken);
            IReadOnlyList<Check> checks =
            [
                Check.AtMost("secondsUntilAllReady", seconds, parsed.GetValue(LimitSeconds)),
                Check.AtMost("publishSeconds", publication.PublishSeconds, parsed.GetValue(LimitPublish)),
            ];
            if (parsed.GetValue(json))
            {
                return Json.Print(
                    new JsonObject
                    {
                        ["machine"] = Json.Node(Machine.Describe()),
                        ["nodes"] = count,
                        ["layers"] = layers,
                        ["expertsPerLayer"] = experts,
                        ["replicas"] = layers * experts,
                        ["secondsUntilAllReady"] = seconds,
                        ["planSeconds"] = publication.PlanSeconds,
                        ["publishSeconds"] = publication.PublishSeconds,
                        ["placementBytesPerNode"] = publication.BytesPerNode,
                        ["largestLayerBytes"] = publication.LargestLayerBytes,
                    },
                    checks);
            }

            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{layers * experts} replicas over {layers} layers ready on {count} nodes after {seconds:0.0} s (limit {checks[0].Limit:0.0} s)"));
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"planned anew in {publication.PlanSeconds:0.00} s, published to every node in {publication.PublishSeconds:0.00} s (limit {checks[1].Limit:0.0} s); "
                + $"a placement takes {publication.BytesPerNode:N0} bytes on each node, its largest layer {publication.LargestLayerBytes:N0}"));
            return checks.All(c => c.Pass) ? 0 : 1;
        }));
        return command;
    }
}
