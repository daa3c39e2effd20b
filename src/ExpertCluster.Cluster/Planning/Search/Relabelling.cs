namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>
/// Gives the devices of a placement other names so that most copies are where they already are: an assignment of devices to devices like them, and where
/// domains matter of whole domains to domains.
/// </summary>
internal static class Relabelling
{
    /// <summary>The placement under its best names, [E, D].</summary>
    /// <param name="frame">The layer, without the restrictions of groups.</param>
    /// <param name="has">A placement, [E, D].</param>
    public static bool[] Run(LayerFrame frame, bool[] has)
    {
        var name = frame.Groups is null && frame.Spread <= 1 && frame.RowsFrom is null ? Devices(frame, Overlap(frame, has)) : Whole(frame, Overlap(frame, has));
        var renamed = new bool[has.Length];
        for (var at = 0; at < has.Length; at++)
        {
            if (has[at])
            {
                renamed[(at / frame.Devices * frame.Devices) + name[at % frame.Devices]] = true;
            }
        }

        return renamed;
    }

    /// <summary>Copies that would be where they are, for each device under each name; <see cref="Assignment.Never"/> for devices that are not alike.</summary>
    private static int[] Overlap(LayerFrame frame, bool[] has)
    {
        var d = frame.Devices;
        var overlap = new int[d * d];
        for (var row = 0; row < has.Length; row += d)
        {
            for (var a = 0; a < d; a++)
            {
                for (var b = 0; has[row + a] && b < d; b++)
                {
                    overlap[(a * d) + b] += frame.Baseline[row + b] ? 1 : 0;
                }
            }
        }

        var special = new bool[d];
        for (var at = 0; at < has.Length; at++)
        {
            special[at % d] |= !frame.Allowed[at] || frame.Pinned[at];
        }

        for (var a = 0; a < d; a++)
        {
            for (var b = 0; b < d; b++)
            {
                var alike = a == b || (!special[a] && !special[b] && frame.Speed[a].Equals(frame.Speed[b]) && frame.Cap[a] == frame.Cap[b]);
                overlap[(a * d) + b] = alike ? overlap[(a * d) + b] : Assignment.Never;
            }
        }

        return overlap;
    }

    private static int[] Devices(LayerFrame frame, int[] overlap) => Assignment.Best(overlap, frame.Devices);

    private static int[] Whole(LayerFrame frame, int[] overlap)
    {
        var members = new List<int>[frame.Domains];
        for (var domain = 0; domain < frame.Domains; domain++)
        {
            members[domain] = [];
        }

        for (var device = 0; device < frame.Devices; device++)
        {
            members[frame.Domain[device]].Add(device);
        }

        var worth = new int[frame.Domains * frame.Domains];
        var inner = new int[]?[frame.Domains * frame.Domains];
        for (var a = 0; a < frame.Domains; a++)
        {
            for (var b = 0; b < frame.Domains; b++)
            {
                var at = (a * frame.Domains) + b;
                inner[at] = members[a].Count == members[b].Count ? Inner(frame, overlap, members[a], members[b], out worth[at]) : null;
                worth[at] = inner[at] is null || worth[at] < 0 ? Assignment.Never : worth[at];
            }
        }

        var domains = Assignment.Best(worth, frame.Domains);
        var name = new int[frame.Devices];
        for (var a = 0; a < frame.Domains; a++)
        {
            var names = inner[(a * frame.Domains) + domains[a]]!;
            for (var i = 0; i < names.Length; i++)
            {
                name[members[a][i]] = members[domains[a]][names[i]];
            }
        }

        return name;
    }

    private static int[] Inner(LayerFrame frame, int[] overlap, List<int> from, List<int> to, out int total)
    {
        var worth = new int[from.Count * to.Count];
        for (var i = 0; i < from.Count; i++)
        {
            for (var j = 0; j < to.Count; j++)
            {
                worth[(i * to.Count) + j] = overlap[(from[i] * frame.Devices) + to[j]];
            }
        }

        var names = Assignment.Best(worth, from.Count);
        total = 0;
        for (var i = 0; i < names.Length; i++)
        {
            total += worth[(i * to.Count) + names[i]];
        }

        return names;
    }
}
