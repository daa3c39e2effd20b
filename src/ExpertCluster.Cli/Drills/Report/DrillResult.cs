using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Benchmarks;
using ExpertCluster.Cli.Drills.Nodes;
using ExpertCluster.Cli.Drills.Scenarios;
using ExpertCluster.Cli.Drills.Traffic;
using ExpertCluster.Cli.Drills.View;
using ExpertCluster.Cli.Output;
using Spectre.Console;

namespace ExpertCluster.Cli.Drills.Report;

/// <summary>One scenario, over.</summary>
internal sealed class DrillResult
{
    private readonly DrillSettings _settings;
    private readonly IDrillScenario _scenario;
    private readonly DrillLimits _limits;
    private readonly DrillStage _stage;
    private readonly int _epochs;
    private readonly IReadOnlyList<string> _disputed;
    private readonly JsonNode? _nodes;

    public DrillResult(
        DrillSettings settings, IDrillScenario scenario, DrillLimits limits, DrillStage stage, IReadOnlyList<PhaseSpan> spans, TrafficLog log,
        double saturated, double offered, IReadOnlyList<NodeGrowth> growth)
    {
        (_settings, _scenario, _limits, _stage) = (settings, scenario, limits, stage);
        var (seen, writers, moves) = (stage.Watch.Seen, stage.Cluster.Writers, stage.Cluster.Moves);
        var fallen = stage.Cluster.Fallen;
        (_epochs, _disputed) = (writers.Epochs, writers.Disputed);
        var (control, after) = (spans[0], spans[^1]);

        // Where the traffic itself turns, what the old placement is worth for the new traffic, before the balancer can have confirmed the turn.
        var before = BalanceOf(seen, scenario.Quiet > TimeSpan.Zero ? spans[1] with { To = spans[1].From + Math.Min(10, spans[1].Seconds) } : control);
        var end = BalanceOf(seen, after);
        var hottest = before is null ? 0 : before.Index().MinBy(b => b.Item).Index;
        Figures = new DrillFigures
        {
            Phases = [.. spans.Select(s => PhaseResult.Of(s, log, Coverage.Retries(seen, s.From, s.To)))],
            Answers = settings.Answers,
            SaturatedPerSecond = saturated,
            OfferedPerSecond = offered,
            LoadShare = settings.LoadShare,
            CoverageSeconds = stage.CoverageSeconds ?? (stage.Lost is null ? null : Coverage.Seconds(
                seen, stage.FaultAt!.Value, stage.Lost.IsRunning ? null : stage.Lost.Address, settings.Copies * stage.Watch.Experts)),
            BalancednessBefore = before?[hottest],
            BalancednessAfter = end?[hottest],
            Moves = Difference(seen, control.To, after.To, s => s.Moves) ?? moves.Moves(control.To, after.To),
            SteadyMoves = Difference(seen, control.From, control.To, s => s.Moves) ?? moves.Moves(control.From, control.To),
            BytesMoved = Difference(seen, control.To, after.To, s => s.BytesMoved) ?? moves.Bytes(control.To, after.To),
            Growth = growth,
            DisputedEpochs = _disputed.Count,
            Fallen = fallen.Count,
            ActorCrashes = stage.Cluster.Crashes.Count,
            BalancerRestarts = stage.Cluster.Balancers.Restarts,
        };
        foreach (var crash in stage.Cluster.Crashes.All)
        {
            stage.Note($"crashed: {crash}");
        }

        foreach (var node in fallen)
        {
            stage.Note($"{node.Name} ended untold with exit code {node.ExitCode}: {string.Join(" ", node.Lines.TakeLast(3))}");
        }

        _nodes = Json.Node(stage.Cluster.All.Where(n => n.Starts > 0).Select(n => new { n.Name, n.Role, n.Address, n.Starts, n.ExitCode, n.Figures }));
        Checks = [.. DrillChecks.Of(limits, Figures), .. stage.Checks];
    }

    /// <summary>The scenario's name.</summary>
    public string Scenario => _scenario.Name;

    /// <summary>What was measured.</summary>
    public DrillFigures Figures { get; }

    /// <summary>What is judged.</summary>
    public IReadOnlyList<Check> Checks { get; }

    /// <summary>All of it but the checks.</summary>
    public JsonObject ToJson() => new()
    {
        ["scenario"] = _scenario.Name,
        ["summary"] = _scenario.Summary,
        ["seed"] = _settings.Seed,
        ["machine"] = Json.Node(Machine.Describe()),
        ["settings"] = Json.Node(_settings),
        ["limits"] = Json.Node(_limits),
        ["figures"] = Json.Node(Figures),
        ["epochsSeen"] = _epochs,
        ["disputedEpochs"] = Json.Node(_disputed),
        ["events"] = Json.Node(_stage.Events),
        ["nodes"] = _nodes?.DeepClone(),
    };

    /// <summary>For people.</summary>
    public void Write()
    {
        var table = new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii).AddColumns(
            "phase", "seconds", "sent", "answered", "failed", "degraded", "wrong", "retries", "p50 ms", "p99 ms", "longest gap s");
        foreach (var phase in Figures.Phases)
        {
            table.AddRow(
                phase.Name, Format(phase.Seconds, "0.0"), $"{phase.Sent}", $"{phase.Answered}", $"{phase.Failed}", $"{phase.Degraded}", $"{phase.Wrong}",
                $"{phase.Retries}", Format(phase.P50Ms, "0"), Format(phase.P99Ms, "0"), Format(phase.LongestGapSeconds, "0.00"));
        }

        Terminal.Out.Write(table);
        foreach (var error in Figures.Phases.SelectMany(p => p.Errors.Select(e => $"{p.Name}: {e}")))
        {
            Terminal.Out.WriteLine(error);
        }

        foreach (var check in Checks)
        {
            Terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{(check.Pass ? "holds" : "does not hold")}: {check.Name} is {check.Value:0.###}, limit {check.Limit:0.###}"));
        }
    }

    private static IReadOnlyList<double>? BalanceOf(IReadOnlyList<ClusterSnapshot> seen, PhaseSpan span)
    {
        // The second half: what a balancer does in answer to a change is in the first.
        ClusterSnapshot[] inside = [.. seen.Where(s => s.At >= (span.From + span.To) / 2 && s.At <= span.To)];
        return inside.Length < 2 ? null : Balancedness.Between(inside[0], inside[^1]);
    }

    private static long? Difference(IReadOnlyList<ClusterSnapshot> seen, double from, double to, Func<ClusterSnapshot, long?> of)
    {
        ClusterSnapshot[] inside = [.. seen.Where(s => s.At >= from && s.At <= to)];
        return inside.Length < 2 ? null : of(inside[^1]) - of(inside[0]);
    }

    private static string Format(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
