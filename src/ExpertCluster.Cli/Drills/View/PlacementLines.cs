using System.Globalization;
using System.Text.RegularExpressions;

namespace ExpertCluster.Cli.Drills.View;

/// <summary>Who holds what, as the nodes' logs tell; to be replaced once a gateway's report has it.</summary>
internal sealed partial class PlacementLines
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, (long Epoch, IReadOnlyList<(int Expert, string Node)> Ready)> _layers = [];

    /// <summary>The newest placement of every layer known; null before any.</summary>
    public IReadOnlyList<PlacedReplica>? Current
    {
        get
        {
            lock (_gate)
            {
                return _layers.Count == 0 ? null
                    : [.. _layers.Values.SelectMany((layer, index) => layer.Ready.Select(r => new PlacedReplica(index, r.Expert, r.Node)))];
            }
        }
    }

    /// <summary>Takes a line of a node's log.</summary>
    public void Read(string line)
    {
        if (Pattern().Match(line) is not { Success: true } match)
        {
            return;
        }

        var layer = int.Parse(match.Groups["layer"].Value, CultureInfo.InvariantCulture);
        var epoch = long.Parse(match.Groups["epoch"].Value, CultureInfo.InvariantCulture);
        var ready = match.Groups["ready"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('@'))
            .Select(part => (int.Parse(part[0], CultureInfo.InvariantCulture), part[1])).ToArray();
        lock (_gate)
        {
            if (!_layers.TryGetValue(layer, out var known) || known.Epoch < epoch)
            {
                _layers[layer] = (epoch, ready);
            }
        }
    }

    [GeneratedRegex(@"Placement of \S+ layer (?<layer>\d+): epoch (?<epoch>\d+) written by \S+; ready: (?<ready>.*)$")]
    private static partial Regex Pattern();
}
