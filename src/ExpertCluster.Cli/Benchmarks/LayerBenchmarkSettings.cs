using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>What <c>bench layer</c> measures.</summary>
internal sealed record LayerBenchmarkSettings(
    int Hidden, int Ffn, int Experts, int TopK, IReadOnlyList<int> Tokens, int Nodes, bool Processes, int ClusterThreads, int DirectThreads,
    int Rounds)
{
    public void Validate()
    {
        Range("--hidden", Hidden, 2, 65536);
        Range("--ffn", Ffn, 1, 262144);
        Range("--experts", Experts, 1, 4096);
        Range("--top-k", TopK, 1, Experts);
        Range("--nodes", Nodes, 1, 64);
        Range("--threads", ClusterThreads, 1, 1024);
        Range("--direct-threads", DirectThreads, 1, 1024);
        Range("--rounds", Rounds, 1, 1000);
        if (Hidden % 2 != 0)
        {
            throw new UsageException($"--hidden is {Hidden}; it must be even.");
        }
    }

    private static void Range(string option, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new UsageException($"{option} is {value}; it must be {least} to {most}.");
        }
    }
}
