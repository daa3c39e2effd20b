using System.Globalization;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Planning;

/// <summary>The runs of a file of cases as a table, and what they are judged by.</summary>
internal static class CaseReport
{
    /// <summary>EPLB computes in float32; the file's figures come from there.</summary>
    private const double Rounding = 1e-6;

    /// <summary>How far from EPLB's balancedness a plan with fewer moves may be.</summary>
    private const double SameBalance = 0.002;

    public static List<Check> Checks(IReadOnlyList<CaseRun> runs, double milliseconds)
    {
        var checks = new List<Check>();
        foreach (var run in runs)
        {
            var name = $"case {run.Case} {run.Mode} from {run.From} for {run.For}:";
            if (run.FileMean is { } mean)
            {
                checks.Add(Check.AtLeast($"{name} balancedness mean, file", run.BalancednessMean, mean - Rounding));
            }

            if (run.FileMin is { } min)
            {
                checks.Add(Check.AtLeast($"{name} balancedness min, file", run.BalancednessMin, min - Rounding));
            }

            var slack = run.From == "nothing" ? Rounding : SameBalance;
            if (run.EplbMean is { } eplb)
            {
                checks.Add(Check.AtLeast($"{name} balancedness mean, EPLB", run.BalancednessMean, eplb - slack));
                checks.Add(Check.AtLeast($"{name} balancedness min, EPLB", run.BalancednessMin, run.EplbMin!.Value - slack));
            }

            if (run.MovesLimit is { } limit)
            {
                checks.Add(Check.AtMost(
                    string.Create(CultureInfo.InvariantCulture, $"{name} moves, {limit} of EPLB's slot changes"), run.Moves, limit * run.EplbSlotChanges!.Value));
            }

            checks.Add(Check.AtMost($"{name} second copies on a GPU", run.SecondCopies, 0));
            checks.Add(Check.AtMost($"{name} milliseconds", run.Milliseconds, milliseconds));
        }

        return checks;
    }

    public static void Print(IReadOnlyList<CaseRun> runs, IReadOnlyList<Check> checks)
    {
        Console.Out.WriteLine(
            $"{"case",4} {"kind",-10} {"layers x experts / GPUs",-24} {"mode",-6} {"from",-7} {"for",-9} {"mean",7} {"min",7} {"replicas",8} {"moves",6} {"ms",7}"
            + $"  {"file mean",9} {"min",7}  {"EPLB mean",9} {"min",7} {"changes",7}");
        foreach (var run in runs)
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{run.Case,4} {run.Kind,-10} {run.Shape,-24} {run.Mode,-6} {run.From,-7} {run.For,-9} {run.BalancednessMean,7:0.0000} {run.BalancednessMin,7:0.0000} {run.ReplicasUsed,8} {run.Moves,6} {run.Milliseconds,7:0.0}")
                + $"  {Figure(run.FileMean),9} {Figure(run.FileMin),7}  {Figure(run.EplbMean),9} {Figure(run.EplbMin),7} {run.EplbSlotChanges?.ToString(CultureInfo.InvariantCulture) ?? "-",7}");
            foreach (var unmet in run.Unmet.Take(3))
            {
                Console.Out.WriteLine($"     {unmet}");
            }
        }

        foreach (var check in checks.Where(c => !c.Pass))
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FAIL {check.Name}: {check.Value:0.######}, limit {check.Limit:0.######}"));
        }

        Console.Out.WriteLine($"{runs.Count} plans, {checks.Count} checks, {checks.Count(c => !c.Pass)} failed");
    }

    private static string Figure(double? value) => value?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "-";
}
