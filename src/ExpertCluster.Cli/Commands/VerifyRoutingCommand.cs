using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using ExpertCluster.Cli.Verification;
using ExpertCluster.Tensors;

namespace ExpertCluster.Cli.Commands;

/// <summary>Compares routing decisions with those of reference implementations.</summary>
internal static class VerifyRoutingCommand
{
    private static readonly Argument<string> Golden = new("FILE")
    {
        Description = "Safetensors with keys source.s<seed>.T<tokens>.E<experts>.K<k>.C<capacity>|cf<factor>.bpr<0|1>.<tensor>.",
    };

    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("verify-routing", "Recompute routing decisions and compare them with a reference's.") { Golden, json };
        command.SetAction((parsed, cancellationToken) => Failure.GuardAsync(parsed.GetValue(json), async () =>
        {
            var path = parsed.GetValue(Golden)!;
            using var golden = RoutingGolden.Open(path);
            await using var executor = new DeviceExecutor("cpu", 1);
            var (checks, problems) = await executor.RunAsync(() => RoutingVerifier.Run(golden), cancellationToken);
            foreach (var (key, problem) in problems)
            {
                Console.Error.WriteLine($"error: {path}: case '{key}': {problem}");
            }

            var failed = checks.Count(c => !c.Pass);
            var worst = checks.Where(c => c.Limit > 0 && !problems.ContainsKey(c.Name)).Select(c => c.Value).DefaultIfEmpty(0).Max();
            if (parsed.GetValue(json))
            {
                return Json.Print(
                    new JsonObject
                    {
                        ["file"] = path,
                        ["cases"] = golden.Cases.Count,
                        ["tolerance"] = RoutingVerifier.Tolerance,
                        ["largestRelativeError"] = worst,
                        ["failed"] = failed,
                        ["problems"] = Json.Node(problems),
                    },
                    checks);
            }

            foreach (var check in checks)
            {
                var value = problems.TryGetValue(check.Name, out var problem) ? problem
                    : check.Limit > 0 ? check.Value.ToString("0.00e+00", CultureInfo.InvariantCulture)
                    : check.Pass ? "identical"
                    : string.Create(CultureInfo.InvariantCulture, $"{check.Value} places differ");
                Console.Out.WriteLine($"  {(check.Pass ? "ok  " : "FAIL")} {check.Name,-64} {value}");
            }

            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{golden.Cases.Count} cases, {checks.Count} comparisons, {failed} failed; largest relative error {worst:0.00e+00} (limit {RoutingVerifier.Tolerance})"));
            return failed == 0 ? 0 : 1;
        }));
        return command;
    }
}
