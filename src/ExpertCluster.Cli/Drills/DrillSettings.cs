using System.Globalization;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Drills;

/// <summary>What a drill was asked for.</summary>
/// <param name="Scenario">What is done to the cluster.</param>
/// <param name="Model">Name of the checkpoint.</param>
/// <param name="Seconds">Least length of a phase.</param>
/// <param name="Answers">Least verified answers of a phase; phases are extended for them.</param>
/// <param name="Tokens">Tokens of each answer.</param>
/// <param name="Seed">What is drawn from.</param>
/// <param name="Copies">Replicas of each expert.</param>
/// <param name="Cycles">Nodes that come and go in grow-shrink.</param>
/// <param name="Threads">libtorch threads of each node.</param>
/// <param name="Clients">Clients that saturate the cluster in the warm-up.</param>
/// <param name="LoadShare">Offered load by the throughput of the warm-up.</param>
internal sealed record DrillSettings(
    string Scenario, string Model, int Seconds, int Answers, int Tokens, int Seed, int Copies, int Cycles, int Threads, int Clients,
    double LoadShare)
{
    /// <summary>Verified answers of a phase unless an option says otherwise.</summary>
    public const int UsualAnswers = 1000;

    /// <summary>Folder for the nodes' logs; none where null.</summary>
    public string? Logs { get; init; }

    /// <exception cref="UsageException">A value is out of range.</exception>
    public void Validate()
    {
        Range("--seconds", Seconds, 1, 86400);
        Range("--answers", Answers, 1, 1_000_000);
        Range("--tokens", Tokens, 1, 128);
        Range("--seed", Seed, 0, int.MaxValue);
        Range("--copies", Copies, 1, 3);
        Range("--cycles", Cycles, 1, 1000);
        Range("--threads", Threads, 1, 1024);
        Range("--clients", Clients, 1, 64);
        if (!(LoadShare is >= 0.05 and <= 1))
        {
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--load-share is {LoadShare}; it must be 0.05 to 1."));
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
