using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using Spectre.Console;
using static ExpertCluster.Cli.Benchmarks.RoundStatistics;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>What <c>bench generate</c> found.</summary>
internal sealed class GenerateBenchmarkResult(GenerateBenchmarkSettings settings, IReadOnlyList<GenerateBenchmarkSeries> series)
{
    private const string Direct = "direct";

    /// <summary>The concurrency at which processes are compared with the direct run.</summary>
    private const int RatioAt = 8;

    /// <summary>The concurrencies between which the throughput of a cluster must grow.</summary>
    private const int ScalingFrom = 1;

    private const int ScalingTo = 32;

    /// <summary>Names of the variants, in the order of their generators.</summary>
    public static IReadOnlyList<string> VariantNames(GenerateBenchmarkSettings settings) =>
        [Direct, $"embedded {settings.Nodes}", $"processes {settings.Nodes}"];

    public int PrintJson() => Json.Print(
        new JsonObject
        {
            ["machine"] = Json.Node(Machine.Describe()),
            ["settings"] = Json.Node(settings),
            ["warmUpRounds"] = GenerateBenchmark.WarmUpRounds,
            ["rows"] = Json.Node(series.Select(RowOf)),
        },
        Checks());

    public int PrintText()
    {
        var machine = Machine.Describe();
        Terminal.Out.WriteLine($"{machine.Processor}, {machine.Cores} cores, {machine.System}, {machine.Runtime}");
        Terminal.Out.WriteLine(
            $"{settings.Model}, greedy, {settings.MaxTokens} new tokens for each request; direct: {settings.DirectThreads} {(settings.DirectThreads == 1 ? "thread" : "threads")}; embedded nodes and "
            + $"node processes: {settings.Nodes} with {settings.ClusterThreads} thread each; medians of {settings.Rounds} alternating rounds after "
            + $"{GenerateBenchmark.WarmUpRounds} warm-ups");
        var table = new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii).AddColumns(
            "requests", "variant", "tokens/s", "slowest–fastest", "÷direct", $"÷{settings.Concurrency[0]} request{(settings.Concurrency[0] == 1 ? "" : "s")}",
            "first token ms", "next p50 ms", "next p99 ms");
        foreach (var row in series.Select(RowOf))
        {
            table.AddRow(
                Format(row.Concurrency, "0"), row.Variant, Format(row.TokensPerSecond, "0"),
                $"{Format(row.SlowestRound, "0")}–{Format(row.FastestRound, "0")}", Format(row.OverDirect, "0.00"), Format(row.OverLeast, "0.0"),
                Format(row.FirstTokenMs, "0.0"), Format(row.NextTokenP50Ms, "0.0"), Format(row.NextTokenP99Ms, "0.0"));
        }

        Terminal.Out.Write(table);
        var checks = Checks();
        foreach (var check in checks)
        {
            Terminal.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{(check.Pass ? "holds" : "does not hold")}: {check.Name} is {check.Value:0.###}, limit {check.Limit}"));
        }

        return checks.All(c => c.Pass) ? 0 : 1;
    }

    private static string Format(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private List<Check> Checks()
    {
        var names = VariantNames(settings);
        var checks = new List<Check>();
        if (settings.Concurrency.Contains(RatioAt))
        {
            checks.Add(Check.AtLeast($"{names[2]}÷direct tokens/s at concurrency {RatioAt}", Ratio(Of(RatioAt, names[2]), Of(RatioAt, Direct)), settings.MinRatio));
        }

        if (settings.Concurrency.Contains(ScalingFrom) && settings.Concurrency.Contains(ScalingTo))
        {
            checks.AddRange(names.Skip(1).Select(name => Check.AtLeast(
                $"concurrency {ScalingTo}÷{ScalingFrom} tokens/s of {name}", Ratio(Of(ScalingTo, name), Of(ScalingFrom, name)), settings.MinScaling)));
        }

        checks.AddRange(settings.Concurrency.Select(level => Check.That(
            $"equal answers at concurrency {level}", names.All(name => Of(level, name).IsRepeatable && Of(level, name).SameAnswers(Of(level, Direct).Answers)))));
        checks.Add(Check.AtLeast("tokens of the shortest answer", series.Min(s => s.Answers.Min(a => a.Count)), settings.MaxTokens));
        return checks;
    }

    private Row RowOf(GenerateBenchmarkSeries one) => new(
        one.Concurrency, one.Variant, Median(one.TokensPerSecond), one.TokensPerSecond.Min(), one.TokensPerSecond.Max(),
        Ratio(one, Of(one.Concurrency, Direct)), Ratio(one, Of(settings.Concurrency[0], one.Variant)), one.FirstTokenMs, one.GapP50Ms, one.GapP99Ms);

    private GenerateBenchmarkSeries Of(int concurrency, string variant) =>
        series.First(s => s.Concurrency == concurrency && s.Variant == variant);

    private static double Ratio(GenerateBenchmarkSeries one, GenerateBenchmarkSeries to) => Median(Ratios(one.TokensPerSecond, to.TokensPerSecond));

    /// <summary>One variant at one concurrency; ratios are medians of each round's own.</summary>
    private sealed record Row(
        int Concurrency, string Variant, double TokensPerSecond, double SlowestRound, double FastestRound, double OverDirect, double OverLeast,
        double FirstTokenMs, double NextTokenP50Ms, double NextTokenP99Ms);
}
