using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Starts;

/// <summary>Which domain each group of experts lives in: the load of the busiest domain as small as moves and swaps of groups make it.</summary>
internal sealed class GroupDomains
{
    private readonly LayerFrame _frame;
    private readonly int _groups;
    private readonly double[] _load;
    private readonly int[] _need;
    private readonly bool[] _possible;
    private readonly int[] _room;
    private readonly double[] _inverse;

    public GroupDomains(LayerFrame frame)
    {
        _frame = frame;
        _groups = frame.Groups!.Max() + 1;
        (_load, _need) = (new double[_groups], new int[_groups]);
        (_room, _inverse) = (new int[frame.Domains], new double[frame.Domains]);
        var devices = new int[frame.Domains];
        for (var device = 0; device < frame.Devices; device++)
        {
            _room[frame.Domain[device]] += frame.Cap[device];
            _inverse[frame.Domain[device]] += frame.Speed[device];
            devices[frame.Domain[device]] += frame.Cap[device] > 0 ? 1 : 0;
        }

        _possible = new bool[_groups * frame.Domains];
        Array.Fill(_possible, true);
        for (var domain = 0; domain < frame.Domains; domain++)
        {
            _inverse[domain] = 1 / _inverse[domain];
        }

        for (var expert = 0; expert < frame.Experts; expert++)
        {
            var group = frame.Groups![expert];
            _load[group] += frame.Load[expert];
            _need[group]++;
            var (can, pinned) = (new bool[frame.Domains], -1);
            for (var device = 0; device < frame.Devices; device++)
            {
                can[frame.Domain[device]] |= frame.Allowed[(expert * frame.Devices) + device];
                pinned = frame.Pinned[(expert * frame.Devices) + device] ? frame.Domain[device] : pinned;
            }

            for (var domain = 0; domain < frame.Domains; domain++)
            {
                _possible[(group * frame.Domains) + domain] &= can[domain] && (pinned < 0 || pinned == domain);
            }
        }
    }

    /// <summary>A frame that keeps each group where a placement has most of it; the frame as it is where there are no groups or they do not fit.</summary>
    public static LayerFrame Keep(LayerFrame frame, bool[] has)
    {
        if (frame.Groups is null)
        {
            return frame;
        }

        var groups = new GroupDomains(frame);
        return (groups.Complete(groups.Of(has)) ?? groups.Complete(null)) is { } domains ? groups.Restrict(domains) : frame;
    }

    /// <summary>What is said where groups cannot be kept.</summary>
    public static string DoNotFit(int layer) =>
        $"layer {layer}: the groups do not fit the domains with one group in one domain; experts are placed without regard to groups";

    /// <summary>Where most copies of each group are in a placement; −1 where there are none.</summary>
    public int[] Of(bool[] has)
    {
        var found = new int[_groups * _frame.Domains];
        for (var at = 0; at < has.Length; at++)
        {
            if (has[at])
            {
                found[(_frame.Groups![at / _frame.Devices] * _frame.Domains) + _frame.Domain[at % _frame.Devices]]++;
            }
        }

        var domains = new int[_groups];
        for (var group = 0; group < _groups; group++)
        {
            var row = found.AsSpan(group * _frame.Domains, _frame.Domains);
            var most = 0;
            for (var domain = 1; domain < _frame.Domains; domain++)
            {
                most = row[domain] > row[most] ? domain : most;
            }

            domains[group] = row[most] > 0 ? most : -1;
        }

        return domains;
    }

    /// <summary>
    /// Completes an assignment: groups without a place, or in one that is impossible, the heaviest first, or where that does not fit the largest first.
    /// Null when they do not fit.
    /// </summary>
    public int[]? Complete(int[]? start)
    {
        var groups = Enumerable.Range(0, _groups).Where(g => _need[g] > 0).ToArray();
        return Complete(start, [.. groups.OrderByDescending(g => _load[g])])
            ?? Complete(start, [.. groups.OrderByDescending(g => _need[g]).ThenByDescending(g => _load[g])]);
    }

    /// <summary>Moves and swaps groups as long as the busier of two domains gets less busy.</summary>
    public void Improve(int[] domains)
    {
        for (var round = 0; round < 10 * _groups && ImproveOnce(domains); round++)
        {
        }
    }

    /// <summary>The frame in which each expert may only be in its group's domain.</summary>
    public LayerFrame Restrict(int[] domains)
    {
        var allowed = (bool[])_frame.Allowed.Clone();
        for (var at = 0; at < allowed.Length; at++)
        {
            allowed[at] &= domains[_frame.Groups![at / _frame.Devices]] == _frame.Domain[at % _frame.Devices];
        }

        var floor = 0.0;
        for (var domain = 0; domain < _frame.Domains; domain++)
        {
            var load = 0.0;
            for (var group = 0; group < _groups; group++)
            {
                load += domains[group] == domain ? _load[group] : 0;
            }

            floor = Math.Max(floor, load * _inverse[domain]);
        }

        return _frame.With(allowed, _frame.Pinned, floor);
    }

    private int[]? Complete(int[]? start, int[] order)
    {
        var domains = new int[_groups];
        Array.Fill(domains, -1);
        var (load, used) = (new double[_frame.Domains], new int[_frame.Domains]);
        foreach (var group in order)
        {
            if (Wanted(group, start, used) is >= 0 and var domain)
            {
                Put(group, domain);
            }
        }

        foreach (var group in order)
        {
            if (domains[group] < 0)
            {
                var domain = Lightest(group, load, used);
                if (domain < 0)
                {
                    return null;
                }

                Put(group, domain);
            }
        }

        for (var group = 0; group < _groups; group++)
        {
            domains[group] = Math.Max(0, domains[group]);
        }

        return domains;

        void Put(int group, int domain)
        {
            domains[group] = domain;
            load[domain] += _load[group];
            used[domain] += _need[group];
        }
    }

    private int Wanted(int group, int[]? start, int[] used) =>
        start is not null && start[group] >= 0 && Fits(group, start[group], used) ? start[group] : -1;

    private bool Fits(int group, int domain, int[] used) =>
        _possible[(group * _frame.Domains) + domain] && used[domain] + _need[group] <= _room[domain];

    private int Lightest(int group, double[] load, int[] used)
    {
        var lightest = -1;
        for (var domain = 0; domain < _frame.Domains; domain++)
        {
            if (Fits(group, domain, used) && (lightest < 0
                || (load[domain] + _load[group]) * _inverse[domain] < (load[lightest] + _load[group]) * _inverse[lightest]))
            {
                lightest = domain;
            }
        }

        return lightest;
    }

    private bool ImproveOnce(int[] domains)
    {
        var (load, used) = (new double[_frame.Domains], new int[_frame.Domains]);
        for (var group = 0; group < _groups; group++)
        {
            load[domains[group]] += _load[group];
            used[domains[group]] += _need[group];
        }

        var hot = 0;
        for (var domain = 1; domain < _frame.Domains; domain++)
        {
            hot = load[domain] * _inverse[domain] > load[hot] * _inverse[hot] ? domain : hot;
        }

        var (best, move, swap, to) = (load[hot] * _inverse[hot] * (1 - 1e-9), -1, -1, -1);
        for (var group = 0; group < _groups; group++)
        {
            if (domains[group] != hot)
            {
                continue;
            }

            for (var other = -_frame.Domains; other < _groups; other++)
            {
                // A negative number is an empty place in a domain.
                var domain = other < 0 ? -other - 1 : domains[other];
                var (back, size) = other < 0 ? (0.0, 0) : (_load[other], _need[other]);
                if (domain == hot || !_possible[(group * _frame.Domains) + domain]
                    || (other >= 0 && !_possible[(other * _frame.Domains) + hot])
                    || used[domain] + _need[group] - size > _room[domain] || used[hot] - _need[group] + size > _room[hot])
                {
                    continue;
                }

                var time = Math.Max(
                    (load[hot] - _load[group] + back) * _inverse[hot], (load[domain] + _load[group] - back) * _inverse[domain]);
                if (time < best)
                {
                    (best, move, swap, to) = (time, group, other, domain);
                }
            }
        }

        if (move < 0)
        {
            return false;
        }

        domains[move] = to;
        if (swap >= 0)
        {
            domains[swap] = hot;
        }

        return true;
    }
}
