using System.Globalization;
using System.Text.RegularExpressions;

namespace ExpertCluster.Cli.Drills.View;

/// <summary>
/// Who wrote which epoch of which layer, as the nodes' logs tell. Only the balancer writes, and there is one: an epoch of a layer that two
/// nodes wrote means that two believed to be it.
/// </summary>
internal sealed partial class PlacementWriters
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Layer, long Epoch), HashSet<string>> _writers = [];

    /// <summary>Epochs of layers seen.</summary>
    public int Epochs
    {
        get
        {
            lock (_gate)
            {
                return _writers.Count;
            }
        }
    }

    /// <summary>Epochs that more than one node wrote, in words.</summary>
    public IReadOnlyList<string> Disputed
    {
        get
        {
            lock (_gate)
            {
                return [.. _writers.Where(w => w.Value.Count > 1)
                    .Select(w => $"epoch {w.Key.Epoch} of {w.Key.Layer} was written by {string.Join(" and ", w.Value.Order())}")];
            }
        }
    }

    /// <summary>Takes a line of a node's log.</summary>
    public void Read(string line)
    {
        if (Pattern().Match(line) is { Success: true } match)
        {
            lock (_gate)
            {
                var key = (match.Groups["layer"].Value, long.Parse(match.Groups["epoch"].Value, CultureInfo.InvariantCulture));
                if (!_writers.TryGetValue(key, out var writers))
                {
                    _writers[key] = writers = [];
                }

                writers.Add(match.Groups["writer"].Value);
            }
        }
    }

    [GeneratedRegex(@"Placement of (?<layer>\S+ layer \d+): epoch (?<epoch>\d+) written by (?<writer>[^;\s]+)")]
    private static partial Regex Pattern();
}
