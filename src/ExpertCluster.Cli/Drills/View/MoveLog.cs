using System.Globalization;
using System.Text.RegularExpressions;
using ExpertCluster.Cli.Drills.Traffic;

namespace ExpertCluster.Cli.Drills.View;

/// <summary>
/// The plans of the balancer, as its node's log tells: what a gateway's report does not say. A plan is for load; what a lost or leaving node
/// held is placed again without one.
/// </summary>
internal sealed partial class MoveLog(DrillClock clock)
{
    private readonly Lock _gate = new();
    private readonly List<(double At, long Steps, long Bytes)> _seen = [];

    /// <summary>Takes a line of a node's log.</summary>
    public void Read(string line)
    {
        if (Begun().Match(line) is { Success: true } begun)
        {
            Add(0, begun.Groups["bytes"].Value);
        }
        else if (Ended().Match(line) is { Success: true } ended)
        {
            Add(Number(ended.Groups["done"].Value), "0");
        }
    }

    /// <summary>Steps done in a time: replicas added, retired or moved.</summary>
    public long Moves(double from, double to) => Sum(from, to, s => s.Steps);

    /// <summary>Bytes of weights that plans begun in a time were to read.</summary>
    public long Bytes(double from, double to) => Sum(from, to, s => s.Bytes);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@" begins, since .*: \d+ steps, (?<bytes>\d+) bytes")]
    private static partial Regex Begun();

    [GeneratedRegex(@" ended: (?<done>\d+) of \d+ steps done")]
    private static partial Regex Ended();

    private long Sum(double from, double to, Func<(double At, long Steps, long Bytes), long> of)
    {
        lock (_gate)
        {
            return _seen.Where(s => s.At >= from && s.At <= to).Sum(of);
        }
    }

    private void Add(long steps, string bytes)
    {
        lock (_gate)
        {
            _seen.Add((clock.Now, steps, Number(bytes)));
        }
    }
}
