using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;
using Spectre.Console;

namespace ExpertCluster.Cli.Benchmarks.Lane;

/// <summary>Medians of <c>bench lane</c>, and the goals it is judged by.</summary>
internal sealed record LaneBenchmarkResult(
    IReadOnlyList<LaneBenchmarkResult.Row> Rows, int Rounds, double IdleGapMs, double SaturatedGapMs)
{
    private const int LargeBytes = 64 * 1024;
    private const int AkkaBytes = 256 * 1024;
    private const double ThroughputGoal = 0.7;
    private const double LatencyGoal = 2;
    private const double AkkaGoal = 10;
    private const double AllocationGoal = 1024;

    // A third of the pause that the cluster's failure detector accepts by default, 3 s.
    private const double GapGoalMs = 1000;

    private IReadOnlyList<Check> Checks =>
    [
        .. Rows.Where(r => r.Bytes >= LargeBytes).Select(r => Check.AtLeast($"lane÷raw throughput {r.Size}", r.OverRaw, ThroughputGoal)),
        .. Rows.Select(r => Check.AtMost($"lane÷raw ping-pong {r.Size}", r.PingOverRaw, LatencyGoal)),
        .. Rows.Where(r => r.Bytes == AkkaBytes).Select(r => Check.AtLeast($"lane÷Akka.Remote throughput {r.Size}", r.OverAkka, AkkaGoal)),
        .. Rows.Select(r => Check.AtMost($"bytes allocated per message {r.Size}", r.AllocatedBytes, AllocationGoal)),
        Check.AtMost("longest heartbeat gap while saturated, ms", SaturatedGapMs, GapGoalMs),
    ];

    public int PrintJson() => Json.Print(
        new JsonObject
        {
            ["machine"] = Json.Node(Machine.Describe()),
            ["window"] = 16,
            ["rounds"] = Rounds,
            ["rows"] = Json.Node(Rows),
            ["idleGapMs"] = IdleGapMs,
            ["saturatedGapMs"] = SaturatedGapMs,
        },
        Checks);

    public int PrintText()
    {
        var machine = Machine.Describe();
        Terminal.Out.WriteLine($"{machine.Processor}, {machine.Cores} cores, {machine.System}; two processes on loopback, echo, window 16, medians of {Rounds} alternating rounds");
        var table = new Table().Border(Terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii).AddColumns(
            "size", "raw MB/s", "lane MB/s", "Akka MB/s", "lane over unix socket MB/s", "raw µs", "lane µs", "Akka µs", "unix µs", "lane÷raw MB/s", "lane÷raw µs",
            "lane÷Akka MB/s", "unix÷TCP MB/s", "unix÷TCP µs", "bytes allocated");
        foreach (var row in Rows)
        {
            table.AddRow(
                [row.Size, .. row.MegabytesPerSecond.Select(v => Format(v, "0")), .. row.PingMicroseconds.Select(v => Format(v, "0")),
                Format(row.OverRaw, "0.00"), Format(row.PingOverRaw, "0.00"), Format(row.OverAkka, "0.0"),
                Format(row.UnixOverTcp, "0.00"), Format(row.UnixPingOverTcp, "0.00"), Format(row.AllocatedBytes, "0")]);
        }

        Terminal.Out.Write(table);
        Terminal.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"longest gap between Akka.Remote messages sent every 100 ms: {IdleGapMs:0} ms idle, {SaturatedGapMs:0} ms with the lane saturated"));
        foreach (var check in Checks.Where(c => !c.Pass))
        {
            Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"does not hold: {check.Name} is {check.Value:0.###}, limit {check.Limit}"));
        }

        return Checks.All(c => c.Pass) ? 0 : 1;
    }

    private static string Format(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>One size. Arrays hold raw socket, lane, Akka.Remote, lane over a Unix socket; MB/s are of one way, ping-pong of there and back.</summary>
    internal sealed record Row(
        int Bytes, double[] MegabytesPerSecond, double[] PingMicroseconds, double OverRaw, double PingOverRaw, double OverAkka, double UnixOverTcp,
        double UnixPingOverTcp, double AllocatedBytes)
    {
        public string Size => Bytes >= 1 << 20 ? $"{Bytes >> 20} MiB" : $"{Bytes >> 10} KiB";
    }
}
