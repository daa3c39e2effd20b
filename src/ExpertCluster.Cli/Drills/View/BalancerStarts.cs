using System.Text.RegularExpressions;

namespace ExpertCluster.Cli.Drills.View;

/// <summary>
/// How often the balancer began on each run of each node, as its log tells. It begins once where it runs; a second time on the same run is a
/// crash that its supervisor answered, which nobody else would notice.
/// </summary>
internal sealed partial class BalancerStarts
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Model, string Node, int Run), int> _starts = [];

    /// <summary>Begins after the first, over all runs and models.</summary>
    public int Restarts
    {
        get
        {
            lock (_gate)
            {
                return _starts.Values.Sum(count => count - 1);
            }
        }
    }

    /// <summary>Takes a line of a node's log.</summary>
    /// <param name="node">The node.</param>
    /// <param name="run">Which of its runs.</param>
    /// <param name="line">The line.</param>
    public void Read(string node, int run, string line)
    {
        if (Pattern().Match(line) is { Success: true } match)
        {
            lock (_gate)
            {
                var key = (match.Groups["model"].Value, node, run);
                _starts[key] = _starts.GetValueOrDefault(key) + 1;
            }
        }
    }

    [GeneratedRegex(@"Balancer of (?<model>\S+) starts at epoch")]
    private static partial Regex Pattern();
}
