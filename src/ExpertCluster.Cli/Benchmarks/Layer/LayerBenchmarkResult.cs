using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using Spectre.Console;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Medians of <c>bench layer</c>.</summary>
internal sealed record LayerBenchmarkResult(LayerBenchmarkSettings Settings, IReadOnlyList<LayerBenchmarkResult.Row> Rows)
{
    /// <summary>From this many rows on, the direct run must be close to its matrix products: below, the memory of the weights decides.</summary>
    private const int LargeTokens = 256;

    /// <summary>How much longer than its bare products the direct run may take, so that nobody races a slow twin.</summary>
    private const double DirectLimit = 1.2;

    /// <summary>Least tokens/s of the cluster over the direct run's, where products are large.</summary>
    private const double LeastRatio = 0.85;

    /// <summary>What one row through the cluster may take beyond the longest any device computes, in microseconds.</summary>
    private const double MostOverhead = 300;

    /// <summary>In bfloat16 direct and cluster round rows, steps and sums at other places: some eight bits, several times.</summary>
    private const double Bfloat16Difference = 0.03;

    private IReadOnlyList<Check> Checks =>
    [
        .. LayerFloor.Checks(Settings, Rows),
        .. Rows.Where(r => r.Tokens >= LargeTokens && !Settings.IsCuda)
            .Select(r => Check.AtLeast($"cluster÷direct T={r.Tokens}", r.ClusterOverDirect, LeastRatio)),
        .. Rows.Where(r => r.Tokens == 1).Select(r => Check.AtMost("T=1: call minus longest compute, µs", r.Breakdown.OverheadUs, MostOverhead)),
        .. Rows.Where(r => r.Tokens >= LargeTokens && !Settings.IsCuda).Select(r => Check.AtMost($"direct÷bare T={r.Tokens}", r.DirectOverBare, DirectLimit)),
        .. Rows.Select(r => Check.AtMost($"largest relative difference cluster/direct T={r.Tokens}", r.Difference, Settings.IsBFloat16 ? Bfloat16Difference : 1e-4)),
    ];

    public int PrintJson() => Json.Print(
        new JsonObject
        {
            ["machine"] = Json.Node(Machine.Describe()),
            ["settings"] = Json.Node(Settings),
            ["warmUpRounds"] = LayerBenchmark.WarmUpRounds,
            ["rows"] = Json.Node(Rows),
        },
        Checks);

    public int PrintText()
    {
        var machine = Machine.Describe();
        Terminal.Out.WriteLine($"{machine.Processor}, {machine.Cores} cores, {machine.System}");
        Terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"H {Settings.Hidden}, F {Settings.Ffn}, {Settings.Experts} experts, top {Settings.TopK}, {Settings.Dtype} on {Settings.Device}; direct and bare: "
            + $"{Settings.DirectThreads} threads; cluster: {Settings.Nodes} {(Settings.Processes ? "processes" : "embedded nodes")} with "
            + $"{Settings.ClusterThreads} thread each; medians of {Settings.Rounds} alternating rounds after {LayerBenchmark.WarmUpRounds} warm-ups"));
        var table = new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii).AddColumns(
            "T", "direct ms", "cluster ms", "bare ms", "direct tokens/s", "cluster tokens/s", "direct÷bare (time)", "cluster÷direct (tokens/s)");
        foreach (var row in Rows)
        {
            table.AddRow(
                Format(row.Tokens, "0"), Format(row.DirectMs, "0.000"), Format(row.ClusterMs, "0.000"), Format(row.BareMs, "0.000"),
                Format(row.DirectTokensPerSecond, "0"), Format(row.ClusterTokensPerSecond, "0"), Format(row.DirectOverBare, "0.00"),
                Format(row.ClusterOverDirect, "0.000"));
        }

        Terminal.Out.Write(table);
        Terminal.Out.Write(BreakdownTable());
        if (LayerFloor.Describe(Settings, Rows) is { Length: > 0 } floor)
        {
            Terminal.Out.WriteLine(floor);
        }

        foreach (var check in Checks.Where(c => !c.Pass))
        {
            Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"does not hold: {check.Name} is {check.Value:0.###}, limit {check.Limit}"));
        }

        return Checks.All(c => c.Pass) ? 0 : 1;
    }

    private Table BreakdownTable()
    {
        Terminal.Out.WriteLine("where a call through the cluster goes, medians in µs (wire, queue and compute: of the frame answered last)");
        var table = new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii).AddColumns(
            "T", "whole", "client", "gate", "router", "wire", "queue", "compute", "combine", "whole − longest compute");
        foreach (var row in Rows)
        {
            var parts = row.Breakdown;
            table.AddRow(
                Format(row.Tokens, "0"), Format(parts.WholeUs, "0"), Format(parts.ClientUs, "0"), Format(parts.GateUs, "0"),
                Format(parts.RouterUs, "0"), Format(parts.WireUs, "0"), Format(parts.QueueUs, "0"), Format(parts.ComputeUs, "0"),
                Format(parts.CombineUs, "0"), Format(parts.OverheadUs, "0"));
        }

        return table;
    }

    private static string Format(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>One number of rows; ratios are medians of each round's own.</summary>
    internal sealed record Row(
        int Tokens, double DirectMs, double ClusterMs, double BareMs, double DirectOverBare, double ClusterOverDirect, double Difference,
        LayerBreakdown.Row Breakdown)
    {
        /// <summary>The least time the device can take; null but on CUDA.</summary>
        public double? FloorMs { get; init; }

        public double DirectTokensPerSecond => Tokens / DirectMs * 1000;

        public double ClusterTokensPerSecond => Tokens / ClusterMs * 1000;
    }
}
