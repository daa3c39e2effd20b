using System.Globalization;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>What <c>bench generate</c> measures, and the limits it judges by.</summary>
/// <param name="Model">Name of the checkpoint.</param>
/// <param name="Concurrency">Requests under way at once, each number once, ascending.</param>
/// <param name="MaxTokens">New tokens of each request.</param>
/// <param name="Rounds">Alternating rounds.</param>
/// <param name="Nodes">Nodes of either cluster.</param>
/// <param name="ClusterThreads">libtorch threads of each node.</param>
/// <param name="DirectThreads">libtorch threads of the direct run.</param>
/// <param name="MinRatio">Least tokens/s of the processes over direct, at concurrency 8.</param>
/// <param name="MinScaling">Least tokens/s at concurrency 32 over those at 1, of either cluster.</param>
internal sealed record GenerateBenchmarkSettings(
    string Model, IReadOnlyList<int> Concurrency, int MaxTokens, int Rounds, int Nodes, int ClusterThreads, int DirectThreads, double MinRatio,
    double MinScaling)
{
    /// <summary>The most requests at once; a gateway's queue holds more.</summary>
    public const int MostConcurrent = 256;

    public void Validate()
    {
        Range("--max-tokens", MaxTokens, 2, 65536);
        Range("--rounds", Rounds, 1, 1000);
        Range("--nodes", Nodes, 1, 64);
        Range("--threads", ClusterThreads, 1, 1024);
        Range("--direct-threads", DirectThreads, 1, 1024);
        Limit("--min-ratio", MinRatio);
        Limit("--min-scaling", MinScaling);
    }

    /// <summary>Reads a list such as <c>1,8,32</c>.</summary>
    public static IReadOnlyList<int> ParseConcurrency(string list)
    {
        var levels = new SortedSet<int>();
        foreach (var part in list.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var level) || level is < 1 or > MostConcurrent)
            {
                throw new UsageException($"--concurrency has '{part}'; give numbers of 1 to {MostConcurrent} separated by commas.");
            }

            if (!levels.Add(level))
            {
                throw new UsageException($"--concurrency has {level} twice.");
            }
        }

        return [.. levels];
    }

    private static void Range(string option, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new UsageException($"{option} is {value}; it must be {least} to {most}.");
        }
    }

    private static void Limit(string option, double value)
    {
        if (!(value is >= 0 and <= 1000))
        {
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be 0 (any) to 1000."));
        }
    }
}
