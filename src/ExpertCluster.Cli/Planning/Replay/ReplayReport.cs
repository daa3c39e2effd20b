using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Planning.Replay;

/// <summary>Says what a replay came to.</summary>
internal static class ReplayReport
{
    /// <summary>How much longer than without moving a policy that moves only for a gain may take: what looks like a gain in one interval may not last.</summary>
    private const double Longest = 1.02;

    public static int Print(string path, RouterTrace trace, TraceReplay replay, IReadOnlyList<PolicyOutcome> outcomes, bool json)
    {
        if (trace.Warning is { } warning)
        {
            Console.Error.WriteLine($"warning: {warning}");
        }

        List<Check> checks = [];
        if (outcomes.FirstOrDefault(o => o.Policy == "balanced") is { } balanced)
        {
            checks.Add(Check.AtMost("time of balanced, of never moving", outcomes[0].Time > 0 ? balanced.Time / outcomes[0].Time : 1, Longest));
        }

        var verdict = Verdict(outcomes);
        if (json)
        {
            return Json.Print(
                new JsonObject
                {
                    ["file"] = path,
                    ["model"] = trace.Model,
                    ["layers"] = trace.Layers.Count,
                    ["experts"] = trace.Experts,
                    ["seconds"] = replay.Duration,
                    ["intervalSeconds"] = replay.Interval,
                    ["intervals"] = replay.Intervals,
                    ["rows"] = replay.Rows,
                    ["warning"] = trace.Warning,
                    ["policies"] = Json.Node(outcomes),
                    ["verdict"] = verdict,
                },
                checks);
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{trace.Model}: {trace.Layers.Count} layers of {trace.Experts} experts, {replay.Rows:0} rows in {replay.Duration:0.0} s, {replay.Intervals} intervals of {replay.Interval:0.0} s"));
        Console.Out.WriteLine($"{"policy",-14} {"balancedness",12} {"time (rows)",14} {"saved",8} {"rebalances",10} {"moves",6} {"bytes",16}  verdict");
        foreach (var o in outcomes)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{o.Policy,-14} {o.Balancedness,12:0.0000} {o.Time,14:0} {o.Saved,8:P1} {o.Rebalances,10} {o.Moves,6} {o.Bytes,16:N0}  {o.Verdict}: {o.Reason}"));
        }

        Console.Out.WriteLine(verdict);
        return checks.All(c => c.Pass) ? 0 : 1;
    }

    private static string Verdict(IReadOnlyList<PolicyOutcome> outcomes)
    {
        if (outcomes[0].Verdict == "not enough data")
        {
            return $"not enough data: {outcomes[0].Reason}";
        }

        var best = outcomes.Where(o => o.Verdict == "worth it").MaxBy(o => o.Saved);
        return best is not null ? $"worth it, with {best.Policy}: {best.Reason}"
            : outcomes.Count > 1 ? $"not worth it: {outcomes.Skip(1).MaxBy(o => o.Saved)!.Reason}"
            : "nothing to compare: only never moving was asked for";
    }
}
