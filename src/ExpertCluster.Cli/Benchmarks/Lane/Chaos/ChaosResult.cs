using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using Spectre.Console;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>What became of a chaos run, and the limits it is judged by.</summary>
internal sealed record ChaosResult(int Seconds, int Seed, IReadOnlyList<ChaosReport> Reports)
{
    private const double Mebi = 1 << 20;

    // Blocks of the pool for as many frames as the limits let two peers and ten bad ones hold at the same moment, and the runtime's own.
    private const double GrowthLimitMiB = 64;

    // A shorter run has not warmed up.
    private const int JudgedSeconds = 120;

    // Ways of being bad to the server.
    private const int Kinds = 10;

    private IReadOnlyList<ChaosReport> Honest => [.. Reports.Where(r => r.Role.StartsWith(ChaosChild.Honest, StringComparison.Ordinal))];

    private ChaosReport Server => Reports.Single(r => r.Role == ChaosChild.Server);

    private ChaosReport Bad => Reports.Single(r => r.Role == ChaosChild.Bad);

    private double GrowthMiB => Reports.Max(r => (r.ResidentEnd - r.ResidentMarked) / Mebi);

    private IReadOnlyList<Check> Checks =>
    [
        Check.AtMost("wrong answers", Reports.Sum(r => r.Wrong + r.SlowWrong), 0),
        Check.AtMost("calls neither answered nor failed", Reports.Sum(r => r.Unfinished), 0),
        Check.AtMost("calls of honest peers that failed", Honest.Sum(r => r.Failed.Values.Sum()), 0),
        Check.AtMost("links of honest peers lost", Honest.Sum(r => r.LinksLost), 0),
        Check.AtLeast("fewest answers to an honest peer in a second", Honest.Min(r => r.FewestPerSecond), 1),
        Check.AtLeast("kinds of bad connections to the server", Bad.Bad.Keys.Count(IsAttack), Kinds),
        Check.AtMost("bad connections not dropped", Bad.NotDropped.Values.Sum(), 0),
        Check.AtMost("longest queue, frames", Reports.Max(r => r.LongestQueueFrames), ChaosSettings.Limits.MaxFramesInFlight),
        Check.AtMost("longest queue, bytes", Reports.Max(r => r.LongestQueueBytes), ChaosSettings.Limits.MaxBytesInFlight),
        Check.AtMost("links left", Reports.Sum(r => r.LinksLeft), 0),
        Check.AtMost("frames left", Reports.Sum(r => r.InFlightLeft), 0),
        Check.AtMost("sockets left", Reports.Sum(r => r.SocketsLeft), 0),
        Check.AtMost("buffers left", Reports.Sum(r => r.BuffersLeft), 0),
        .. Seconds >= JudgedSeconds ? [Check.AtMost("resident memory grown since the warm-up, MiB", GrowthMiB, GrowthLimitMiB)] : (Check[])[],
        Check.AtMost("errors logged", Reports.Sum(r => r.Trouble), 0),
    ];

    public int PrintJson() => Json.Print(
        new JsonObject
        {
            ["machine"] = Json.Node(Machine.Describe()),
            ["seconds"] = Seconds,
            ["seed"] = Seed,
            ["processes"] = Json.Node(Reports),
        },
        Checks);

    public int PrintText()
    {
        var machine = Machine.Describe();
        Say($"{machine.Processor}, {machine.Cores} cores, {machine.System}; seed {Seed}, {Seconds} s, {Reports.Count} processes");
        foreach (var report in Reports)
        {
            Say($"{report.Role}: {report.Calls:N0} calls, {report.Answered:N0} answered ({report.AnsweredBytes / 1e9:0.0} GB), {report.Wrong} wrong, failed: {Counts(report.Failed)}");
            Say($"  resident {report.ResidentMarked / Mebi:0} to {report.ResidentEnd / Mebi:0} MiB, of that buffers kept {report.BuffersKeptMarked / Mebi:0} to {report.BuffersKeptEnd / Mebi:0}; longest queue {report.LongestQueueFrames} frames, {report.LongestQueueBytes / Mebi:0.0} MiB");
        }

        Say($"honest peers: {Honest.Min(r => r.FewestPerSecond)} answers in the worst second, longest gap {Honest.Max(r => r.LongestGapMs):0} ms, {Honest.Sum(r => r.Answered) / (double)Seconds:0} answers/s together");
        Say($"bad connections: {Counts(Bad.Bad)}");
        Say($"not dropped in time: {Counts(Bad.NotDropped)}");
        Say($"server: {Server.TurnedAway:N0} turned away, {Server.AcceptedLost:N0} links dropped; {Bad.SlowAnswers:N0} answers checked by slow readers");
        foreach (var check in Checks)
        {
            Say($"{(check.Pass ? "holds" : "DOES NOT HOLD")}: {check.Name} {check.Value:0.##} (limit {check.Limit:0.##})");
        }

        return Checks.All(c => c.Pass) ? 0 : 1;
    }

    private static bool IsAttack(string kind) => kind.StartsWith("stranger:", StringComparison.Ordinal) || kind.StartsWith("peer:", StringComparison.Ordinal);

    private static string Counts(IReadOnlyDictionary<string, long> counts) =>
        counts.Count == 0 ? "none" : string.Join(", ", counts.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:N0}")));

    private static void Say(FormattableString text) => Terminal.Out.WriteLine(FormattableString.Invariant(text));
}
