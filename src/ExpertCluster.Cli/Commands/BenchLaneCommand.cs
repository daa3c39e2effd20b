using System.CommandLine;
using System.Globalization;
using ExpertCluster.Cli.Benchmarks.Lane;
using ExpertCluster.Cli.Benchmarks.Lane.Chaos;
using ExpertCluster.Cli.Clusters;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Commands;

/// <summary>The tensor lane against a raw socket and Akka.Remote, between two processes; or among bad peers, between four.</summary>
internal static class BenchLaneCommand
{
    private static readonly Option<string> Sizes = new("--sizes")
    {
        Description = "Sizes of a message, powers of two from 1KiB to 1MiB, separated by commas.",
        DefaultValueFactory = _ => "1KiB,64KiB,256KiB,1MiB",
    };

    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "Alternating rounds; medians are taken over them. 1 to 100.",
        DefaultValueFactory = _ => 5,
    };

    private static readonly Option<double> RoundSeconds = new("--round-seconds")
    {
        Description = "About how long a round of each takes. 0.05 to 60.",
        DefaultValueFactory = _ => 0.5,
    };

    private static readonly Option<bool> Serve = new(LaneServer.ServeOption) { Hidden = true };

    private static readonly Option<bool> Chaos = new("--chaos")
    {
        Description = "No comparison: saturates lanes between four processes while bad peers and strangers do their worst, and checks every answer.",
    };

    private static readonly Option<int> Seconds = new("--seconds")
    {
        Description = "How long the chaos lasts. 4 to 86400.",
        DefaultValueFactory = _ => 600,
    };

    private static readonly Option<int?> Seed = new("--seed")
    {
        Description = "What the chaos draws from, 0 and up. By default a new one each time; it is printed.",
    };

    private static readonly Option<string?> Role = new(ChaosChild.RoleOption) { Hidden = true };

    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("lane", "The tensor lane, a raw socket and Akka.Remote between two processes.")
        {
            Sizes, Rounds, RoundSeconds, Chaos, Seconds, Seed, Serve, Role, json,
        };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), () =>
        {
            if (parsed.GetValue(Serve))
            {
                return Task.FromResult(LaneServer.Serve());
            }

            if (parsed.GetValue(Role) is { } role)
            {
                return Task.FromResult(ChaosChild.Run(role));
            }

            if (parsed.GetValue(Chaos))
            {
                return Task.FromResult(RunChaos(parsed, parsed.GetValue(json), cancellationToken));
            }

            var (rounds, seconds) = (parsed.GetValue(Rounds), parsed.GetValue(RoundSeconds));
            if (rounds is < 1 or > 100)
            {
                throw new UsageException($"--rounds is {rounds}; it must be 1 to 100.");
            }

            if (!(seconds is >= 0.05 and <= 60))
            {
                throw new UsageException($"--round-seconds is {seconds}; it must be 0.05 to 60.");
            }

            using var progress = new LoadProgress(parsed.GetValue(json));
            var result = LaneBenchmark.Run(Parse(parsed.GetValue(Sizes)!), rounds, seconds, progress.Say, cancellationToken);
            return Task.FromResult(parsed.GetValue(json) ? result.PrintJson() : result.PrintText());
        }));
        return command;
    }

    private static int RunChaos(ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        var (seconds, seed) = (parsed.GetValue(Seconds), parsed.GetValue(Seed) ?? Random.Shared.Next());
        if (seconds is < 4 or > 86400)
        {
            throw new UsageException($"--seconds is {seconds}; it must be 4 to 86400.");
        }

        if (seed < 0)
        {
            throw new UsageException($"--seed is {seed}; it must not be negative.");
        }

        using var progress = new LoadProgress(json);
        var result = ChaosRun.Run(seconds, seed, progress.Say, cancellationToken);
        return json ? result.PrintJson() : result.PrintText();
    }

    private static IReadOnlyList<int> Parse(string list)
    {
        var sizes = new List<int>();
        foreach (var part in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var (digits, shift) = part.EndsWith("KiB", StringComparison.OrdinalIgnoreCase) ? (part[..^3], 10)
                : part.EndsWith("MiB", StringComparison.OrdinalIgnoreCase) ? (part[..^3], 20) : ("", 0);
            var size = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 1024
                ? (long)number << shift : 0;
            sizes.Add(size is >= 1024 and <= 1 << 20 && long.PopCount(size) == 1
                ? (int)size
                : throw new UsageException($"--sizes has '{part}'; give powers of two from 1KiB to 1MiB, such as 64KiB."));
        }

        return sizes.Count > 0 ? sizes : throw new UsageException("--sizes is empty; give sizes separated by commas.");
    }
}
