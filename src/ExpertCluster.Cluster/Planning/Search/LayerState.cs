namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>
/// A placement of one layer that is changed one copy at a time. Load of each device, copies of each expert and the count of received copies are kept
/// up to date; lists of hosts and of slots are dense arrays, so that nothing is allocated while searching.
/// </summary>
internal sealed class LayerState
{
    private readonly int[] _hosts;
    private readonly int[] _hostAt;
    private readonly int[] _slots;
    private readonly int[] _slotAt;
    private readonly int[]? _inDomain;
    private readonly int _stride;

    public LayerState(LayerFrame frame)
    {
        Frame = frame;
        var (e, d) = (frame.Experts, frame.Devices);
        _stride = e;
        Has = new bool[e * d];
        Copies = new int[e];
        Used = new int[d];
        Work = new double[d];
        _hosts = new int[e * d];
        _hostAt = new int[e * d];
        _slots = new int[d * _stride];
        _slotAt = new int[e * d];
        _inDomain = frame.Spread > 1 ? new int[e * frame.Domains] : null;
    }

    public LayerFrame Frame { get; private set; }

    public bool[] Has { get; }

    public int[] Copies { get; }

    public int[] Used { get; }

    /// <summary>Load of each device, [D].</summary>
    public double[] Work { get; }

    public int Total { get; private set; }

    /// <summary>Copies on devices that do not hold them now.</summary>
    public int Received { get; private set; }

    public static LayerState From(LayerFrame frame, bool[] has)
    {
        var state = new LayerState(frame);
        state.Load(has);
        return state;
    }

    /// <summary>Experts of a device.</summary>
    public ReadOnlySpan<int> Slots(int device) => new(_slots, device * _stride, Used[device]);

    /// <summary>Devices of an expert.</summary>
    public ReadOnlySpan<int> Hosts(int expert) => new(_hosts, expert * Frame.Devices, Copies[expert]);

    public double Share(int expert) => Frame.Load[expert] / Copies[expert];

    public double Time(int device) => Work[device] * Frame.Inverse[device];

    /// <summary>Another frame over the same experts and devices.</summary>
    public void Use(LayerFrame frame) => Frame = frame;

    public void Load(bool[] has)
    {
        Clear();
        var (e, d) = (Frame.Experts, Frame.Devices);
        for (var expert = 0; expert < e; expert++)
        {
            for (var device = 0; device < d; device++)
            {
                if (has[(expert * d) + device])
                {
                    Insert(expert, device);
                }
            }
        }

        Recompute();
    }

    /// <summary>Sums the load of every device anew, which also forgets rounding.</summary>
    public void Recompute()
    {
        Array.Clear(Work);
        for (var expert = 0; expert < Frame.Experts; expert++)
        {
            if (Copies[expert] > 0)
            {
                var share = Share(expert);
                foreach (var device in Hosts(expert))
                {
                    Work[device] += share;
                }
            }
        }
    }

    public void CopyFrom(LayerState other)
    {
        Array.Copy(other.Has, Has, Has.Length);
        Array.Copy(other.Copies, Copies, Copies.Length);
        Array.Copy(other.Used, Used, Used.Length);
        Array.Copy(other.Work, Work, Work.Length);
        for (var expert = 0; expert < Frame.Experts; expert++)
        {
            Array.Copy(other._hosts, expert * Frame.Devices, _hosts, expert * Frame.Devices, other.Copies[expert]);
        }

        Array.Copy(other._hostAt, _hostAt, _hostAt.Length);
        for (var device = 0; device < Frame.Devices; device++)
        {
            Array.Copy(other._slots, device * _stride, _slots, device * _stride, other.Used[device]);
        }

        Array.Copy(other._slotAt, _slotAt, _slotAt.Length);
        if (_inDomain is not null)
        {
            Array.Copy(other._inDomain!, _inDomain, _inDomain.Length);
        }

        Total = other.Total;
        Received = other.Received;
    }

    public void Add(int expert, int device)
    {
        var copies = Copies[expert];
        var share = Frame.Load[expert] / (copies + 1);
        if (copies > 0)
        {
            var less = (Frame.Load[expert] / copies) - share;
            foreach (var host in Hosts(expert))
            {
                Work[host] -= less;
            }
        }

        Insert(expert, device);
        Work[device] += share;
    }

    public void Remove(int expert, int device)
    {
        var copies = Copies[expert];
        var share = Frame.Load[expert] / copies;
        Erase(expert, device);
        Work[device] = Used[device] == 0 ? 0 : Work[device] - share;
        if (copies > 1)
        {
            var more = (Frame.Load[expert] / (copies - 1)) - share;
            foreach (var host in Hosts(expert))
            {
                Work[host] += more;
            }
        }
    }

    public void Move(int expert, int from, int to)
    {
        var share = Share(expert);
        Erase(expert, from);
        Insert(expert, to);
        Work[from] -= share;
        Work[to] += share;
    }

    /// <summary>Whether a copy may be given up without falling below what is wanted.</summary>
    public bool CanRemove(int expert, int device)
    {
        if (Copies[expert] <= Frame.MinCopies || (Frame.HasPins && Frame.Pinned[(expert * Frame.Devices) + device]))
        {
            return false;
        }

        return _inDomain is null || InDomain(expert, device) > 1 || Spread(expert) > Frame.Spread;
    }

    /// <summary>Whether an expert may be on a device it is not on, its slots aside.</summary>
    public bool CanAdd(int expert, int device)
    {
        var at = (expert * Frame.Devices) + device;
        return !Has[at] && Frame.Allowed[at];
    }

    public bool CanMove(int expert, int from, int to)
    {
        var row = expert * Frame.Devices;
        if (Has[row + to] || !Frame.Allowed[row + to] || (Frame.HasPins && Frame.Pinned[row + from]))
        {
            return false;
        }

        return _inDomain is null || Frame.Domain[from] == Frame.Domain[to] || InDomain(expert, from) > 1 || InDomain(expert, to) == 0
            || Spread(expert) > Frame.Spread;
    }

    /// <summary>Domains the copies of an expert are in.</summary>
    public int Spread(int expert)
    {
        if (_inDomain is null)
        {
            return 0;
        }

        var spread = 0;
        for (var domain = 0; domain < Frame.Domains; domain++)
        {
            spread += _inDomain[(expert * Frame.Domains) + domain] > 0 ? 1 : 0;
        }

        return spread;
    }

    public int InDomain(int expert, int device) => _inDomain is null ? 0 : _inDomain[(expert * Frame.Domains) + Frame.Domain[device]];

    /// <summary>The device with the largest time, the first of equals.</summary>
    public int Hottest()
    {
        var (hottest, largest) = (0, double.NegativeInfinity);
        for (var device = 0; device < Frame.Devices; device++)
        {
            var time = Time(device);
            if (time > largest)
            {
                (hottest, largest) = (device, time);
            }
        }

        return hottest;
    }

    public double MaxTime() => Time(Hottest());

    private void Clear()
    {
        Array.Clear(Has);
        Array.Clear(Copies);
        Array.Clear(Used);
        Array.Clear(Work);
        if (_inDomain is not null)
        {
            Array.Clear(_inDomain);
        }

        Total = 0;
        Received = 0;
    }

    private void Insert(int expert, int device)
    {
        var at = (expert * Frame.Devices) + device;
        Has[at] = true;
        _hostAt[at] = Copies[expert];
        _hosts[(expert * Frame.Devices) + Copies[expert]++] = device;
        _slotAt[at] = Used[device];
        _slots[(device * _stride) + Used[device]++] = expert;
        Total++;
        Received += Frame.Baseline[at] ? 0 : 1;
        if (_inDomain is not null)
        {
            _inDomain[(expert * Frame.Domains) + Frame.Domain[device]]++;
        }
    }

    private void Erase(int expert, int device)
    {
        var row = expert * Frame.Devices;
        var at = row + device;
        Has[at] = false;
        var lastHost = _hosts[row + --Copies[expert]];
        _hosts[row + _hostAt[at]] = lastHost;
        _hostAt[row + lastHost] = _hostAt[at];
        var lastSlot = _slots[(device * _stride) + --Used[device]];
        _slots[(device * _stride) + _slotAt[at]] = lastSlot;
        _slotAt[(lastSlot * Frame.Devices) + device] = _slotAt[at];
        Total--;
        Received -= Frame.Baseline[at] ? 0 : 1;
        if (_inDomain is not null)
        {
            _inDomain[(expert * Frame.Domains) + Frame.Domain[device]]--;
        }
    }
}
