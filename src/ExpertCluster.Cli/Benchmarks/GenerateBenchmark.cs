using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;
using ExpertCluster.Models;
using ExpertCluster.Models.Tokenization;
using ExpertCluster.Node.Embedded;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Runs the three variants of <c>bench generate</c> in alternating rounds on the same prompts.</summary>
internal static class GenerateBenchmark
{
    /// <summary>Rounds that are thrown away: compilation, caches, connections.</summary>
    public const int WarmUpRounds = 2;

    /// <summary>Sequences a gateway computes together by default; more where more are asked for.</summary>
    private const int UsualActive = 32;

    public static async Task<GenerateBenchmarkResult> RunAsync(
        GenerateBenchmarkSettings settings, string directory, bool quiet, bool verbose, CancellationToken cancellationToken)
    {
        var prompts = Prompts(settings, directory);
        var names = GenerateBenchmarkResult.VariantNames(settings);
        var generators = new List<IGenerator>();
        try
        {
            generators.Add(await DirectGenerator.LoadAsync(directory, settings.DirectThreads));
            generators.Add(await EmbeddedAsync(settings, directory, quiet, verbose, cancellationToken));
            generators.Add(await ProcessesAsync(settings, directory, quiet, cancellationToken));

            // Concurrencies alternate too, so that one can be divided by another within a round.
            var series = settings.Concurrency.SelectMany(level => names.Select(name => new GenerateBenchmarkSeries(level, name))).ToArray();
            for (var round = -WarmUpRounds; round < settings.Rounds; round++)
            {
                foreach (var (index, one) in series.Index())
                {
                    var answers = await generators[index % generators.Count]
                        .GenerateAsync([.. prompts.Take(one.Concurrency)], settings.MaxTokens, cancellationToken);
                    one.Add(answers, timed: round >= 0);
                }
            }

            return new GenerateBenchmarkResult(settings, series);
        }
        finally
        {
            foreach (var generator in generators)
            {
                await generator.DisposeAsync();
            }
        }
    }

    private static IReadOnlyList<IReadOnlyList<int>> Prompts(GenerateBenchmarkSettings settings, string directory)
    {
        using var checkpoint = ModelCheckpoint.Open(directory);
        var shape = checkpoint.Shape;
        return shape.IsEncoderDecoder
                ? throw new UsageException($"{settings.Model} is an encoder–decoder; bench generate continues texts with decoder-only models.")
            : BenchmarkPrompts.Longest + settings.MaxTokens > shape.MaxContext
                ? throw new UsageException(
                    $"--max-tokens is {settings.MaxTokens}; with prompts of up to {BenchmarkPrompts.Longest} tokens the context of {settings.Model} "
                    + $"({shape.MaxContext}) leaves room for {shape.MaxContext - BenchmarkPrompts.Longest}.")
            : BenchmarkPrompts.Take(TokenizerLoader.Open(directory), settings.Concurrency.Max());
    }

    private static async Task<IGenerator> EmbeddedAsync(
        GenerateBenchmarkSettings settings, string directory, bool quiet, bool verbose, CancellationToken cancellationToken)
    {
        var cluster = await ClusterStart.EmbeddedAsync(
            new EmbeddedClusterOptions
            {
                Nodes = settings.Nodes,
                Threads = settings.ClusterThreads,
                Models = [directory],
                Configure = (_, node) => node.Gateway.MaxActive = MaxActive(settings),
            },
            quiet, verbose, cancellationToken);
        return new ClientGenerator(cluster.Client, cluster.Model.Name, cluster);
    }

    private static async Task<IGenerator> ProcessesAsync(
        GenerateBenchmarkSettings settings, string directory, bool quiet, CancellationToken cancellationToken)
    {
        var cluster = await ProcessCluster.StartAsync(
            settings.Nodes, directory, settings.ClusterThreads, MaxActive(settings), quiet, cancellationToken);
        return new ClientGenerator(cluster.Client, (await cluster.Client.ListModelsAsync(cancellationToken)).Single().Name, cluster);
    }

    private static int MaxActive(GenerateBenchmarkSettings settings) => Math.Max(UsualActive, settings.Concurrency.Max());
}
