using System.CommandLine;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using ExpertCluster.Cli.Planning;
using ExpertCluster.Cli.Planning.Replay;
using ExpertCluster.Cluster.Planning;

namespace ExpertCluster.Cli.Commands;

/// <summary>Plans placements for recorded loads, and replays a router trace against policies.</summary>
internal static class PlanCommand
{
    private static readonly string[] KnownPolicies = ["never", "eplb", "balanced", "replicate-top", "shadow"];

    private static readonly Argument<string?> Loads = new("LOADS")
    {
        Description = "JSON: a case or a list of cases with load [layers][experts], replicas, groups, nodes, gpus, and optionally present, load_next, "
            + "balancedness_mean, balancedness_min, seconds.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Replay = new("--replay") { Description = "Replay a recorded router trace against policies instead." };

    private static readonly Option<bool> Slots = new("--slots") { Description = "With --json: the expert of each slot of each plan." };

    private static readonly Option<double> LimitMilliseconds = new("--limit-ms")
    {
        Description = "The check's limit for planning one case.",
        DefaultValueFactory = _ => 5000,
    };

    private static readonly Option<int> Devices = new("--devices")
    {
        Description = "With --replay: equal devices, 1 to 4096.",
        DefaultValueFactory = _ => 3,
    };

    private static readonly Option<int?> SlotsPerLayer = new("--slots-per-layer")
    {
        Description = "With --replay: slots of each layer on each device. Default: what the experts need, and one.",
    };

    private static readonly Option<double?> Interval = new("--interval")
    {
        Description = "With --replay: seconds of trace between decisions. Default: a twentieth of the recording.",
    };

    private static readonly Option<string[]> Policies = new("--policy")
    {
        Description = $"With --replay: policies to compare with never moving, of {string.Join(", ", KnownPolicies)}. Default: all.",
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<double> MinGain = new("--min-gain")
    {
        Description = "With --replay: relative gain in the busiest devices' work below which nothing is moved, 0 to 1.",
        DefaultValueFactory = _ => new PlannerOptions().MinGain,
    };

    private static readonly Option<int> Confirm = new("--confirm")
    {
        Description = "With --replay: intervals in a row that must ask for a move.",
        DefaultValueFactory = _ => 2,
    };

    private static readonly Option<double> LinkBytes = new("--link-bytes-per-second")
    {
        Description = "With --replay: the link that weights come over.",
        DefaultValueFactory = _ => new PlannerOptions().LinkBytesPerSecond,
    };

    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("plan", "Plan where replicas should be for recorded loads, next to EPLB; or replay a router trace against policies.")
        {
            Loads, Replay, Slots, LimitMilliseconds, Devices, SlotsPerLayer, Interval, Policies, MinGain, Confirm, LinkBytes, json,
        };
        command.SetAction((parsed, _) => Failure.GuardAsync(parsed.GetValue(json), () => Task.FromResult(
            (parsed.GetValue(Loads), parsed.GetValue(Replay)) switch
            {
                ({ } loads, null) => PlanCases(loads, parsed.GetValue(LimitMilliseconds), parsed.GetValue(Slots), parsed.GetValue(json)),
                (null, { } trace) => ReplayTrace(trace, Settings(parsed), parsed.GetValue(json)),
                _ => throw new UsageException("Either a file of loads or --replay TRACE is needed, and not both. See 'expertcluster plan --help'."),
            })));
        return command;
    }

    private static int PlanCases(string path, double limit, bool slots, bool json)
    {
        var cases = LoadsFile.Read(path);
        var runs = cases.SelectMany(item => new CasePlanner(item, new PlannerOptions(), slots).Run()).ToArray();
        var checks = CaseReport.Checks(runs, limit);
        if (json)
        {
            return Json.Print(new JsonObject { ["file"] = path, ["cases"] = cases.Count, ["plans"] = Json.Node(runs) }, checks);
        }

        CaseReport.Print(runs, checks);
        return checks.All(c => c.Pass) ? 0 : 1;
    }

    private static int ReplayTrace(string path, ReplaySettings settings, bool json)
    {
        var trace = TraceFile.Read(path);
        var replay = new TraceReplay(trace, settings);
        return ReplayReport.Print(path, trace, replay, replay.Run(), json);
    }

    private static ReplaySettings Settings(ParseResult parsed)
    {
        var policies = parsed.GetValue(Policies) is { Length: > 0 } chosen ? chosen.SelectMany(p => p.Split(',')).Distinct().ToArray() : KnownPolicies;
        if (policies.FirstOrDefault(p => !KnownPolicies.Contains(p)) is { } unknown)
        {
            throw new UsageException($"--policy is '{unknown}'; it must be of {string.Join(", ", KnownPolicies)}.");
        }

        var settings = new ReplaySettings(
            parsed.GetValue(Devices), parsed.GetValue(SlotsPerLayer), parsed.GetValue(Interval), policies, parsed.GetValue(MinGain),
            parsed.GetValue(Confirm), parsed.GetValue(LinkBytes));
        Require(settings.Devices is >= 1 and <= 4096, "--devices", settings.Devices, "1 to 4096");
        Require(settings.SlotsPerLayer is null or (>= 1 and <= 65536), "--slots-per-layer", settings.SlotsPerLayer, "1 to 65536");
        Require(settings.Interval is null or (> 0 and < 1e9), "--interval", settings.Interval, "above 0");
        Require(settings.MinGain is >= 0 and <= 1, "--min-gain", settings.MinGain, "0 to 1");
        Require(settings.Confirm is >= 1 and <= 1000, "--confirm", settings.Confirm, "1 to 1000");
        Require(settings.LinkBytesPerSecond is > 0 and < 1e15, "--link-bytes-per-second", settings.LinkBytesPerSecond, "above 0");
        return settings;
    }

    private static void Require(bool holds, string option, object? value, string range)
    {
        if (!holds)
        {
            throw new UsageException(FormattableString.Invariant($"{option} is {value}; it must be {range}."));
        }
    }
}
