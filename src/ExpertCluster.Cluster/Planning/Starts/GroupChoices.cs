namespace ExpertCluster.Cluster.Planning.Starts;

/// <summary>All ways to put groups into domains, where they are few enough to look at: the least busy ones, each once under the names of like domains.</summary>
internal sealed class GroupChoices(double[] load, int[] need, int[] room, double[] inverse, bool[] possible, bool alike)
{
    private const int MostLooked = 20_000;

    private readonly int[] _order = [.. Enumerable.Range(0, load.Length).OrderByDescending(g => load[g])];
    private readonly int[] _domains = new int[load.Length];
    private readonly double[] _load = new double[room.Length];
    private readonly int[] _used = new int[room.Length];
    private readonly SortedList<(double Time, int Number), int[]> _best = [];
    private int _most;
    private int _looked;

    /// <summary>The best so many, the least busy first; those found until too much was looked at.</summary>
    public IEnumerable<int[]> Best(int most)
    {
        _most = most;
        Put(0, 0);
        return _best.Values;
    }

    private void Put(int at, int opened)
    {
        if (++_looked > MostLooked)
        {
            return;
        }

        if (at == _order.Length)
        {
            Keep();
            return;
        }

        var group = _order[at];
        for (var domain = 0; domain < room.Length; domain++)
        {
            // Of empty domains that are alike only the first is tried.
            if (alike && domain > opened)
            {
                break;
            }

            if (!possible[(group * room.Length) + domain] || _used[domain] + need[group] > room[domain])
            {
                continue;
            }

            _domains[group] = domain;
            _load[domain] += load[group];
            _used[domain] += need[group];
            Put(at + 1, domain == opened ? opened + 1 : opened);
            _load[domain] -= load[group];
            _used[domain] -= need[group];
        }
    }

    private void Keep()
    {
        var time = 0.0;
        for (var domain = 0; domain < room.Length; domain++)
        {
            time = Math.Max(time, _load[domain] * inverse[domain]);
        }

        _best.Add((time, _looked), (int[])_domains.Clone());
        if (_best.Count > _most)
        {
            _best.RemoveAt(_best.Count - 1);
        }
    }
}
