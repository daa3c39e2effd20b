namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>
/// Takes load from the hottest device by the best of all single changes, as long as no device touched ends at or above its time: the sorted list of
/// device times falls lexicographically, so it ends. The best is the one that lowers Σ (time ÷ largest time)⁴ most – per copy sent, when
/// <see cref="Cheap"/>.
/// </summary>
internal sealed class Descent(LayerState state)
{
    /// <summary>What a change without any copy to send counts as, so that free changes come first but not for nothing.</summary>
    private const double FreeMove = 0.25;

    private readonly LayerFrame _frame = state.Frame;
    private double _largest;
    private double _limit;
    private double _scale;
    private double _bestScore;
    private Change _best;
    private bool _found;

    /// <summary>Whether copies to send count.</summary>
    public bool Cheap { get; init; }

    /// <summary>Whether the hottest devices count more: the eighth power in place of the fourth.</summary>
    public bool Sharp { get; init; }

    /// <summary>Changes looked at so far.</summary>
    public long Looked { get; private set; }

    /// <summary>Makes the best change, if there is one.</summary>
    public bool Step()
    {
        var hot = state.Hottest();
        _largest = state.Time(hot);
        if (_largest <= 0 || _largest <= _frame.Floor * (1 + 1e-9))
        {
            return false;
        }

        _limit = _largest * (1 - 1e-9);
        _scale = 1 / _largest;
        _bestScore = double.NegativeInfinity;
        _found = false;
        foreach (var expert in state.Slots(hot))
        {
            if (_frame.Load[expert] > 0)
            {
                Singles(expert, hot);
            }
        }

        if (!_found || Cheap)
        {
            foreach (var expert in state.Slots(hot))
            {
                Trades(expert, hot);
            }
        }

        if (_found)
        {
            _best.Apply(state);
        }

        return _found;
    }

    /// <summary>Steps until nothing helps or enough was looked at.</summary>
    public void Run(long most)
    {
        while (Looked < most && Step())
        {
        }
    }

    private void Singles(int expert, int hot)
    {
        var share = state.Share(expert);
        var (work, inverse) = (state.Work, _frame.Inverse);
        if (state.CanRemove(expert, hot))
        {
            Drop(expert, hot);
        }

        var hotBefore = Power(work[hot] * inverse[hot]);
        var free = state.Total < _frame.MaxTotal;
        for (var device = 0; device < _frame.Devices; device++)
        {
            if (device == hot || !state.CanAdd(expert, device))
            {
                continue;
            }

            var (room, movable) = (state.Used[device] < _frame.Cap[device], state.CanMove(expert, hot, device));
            var before = hotBefore + Power(work[device] * inverse[device]);
            if (room && movable)
            {
                Looked++;
                var time = (work[device] + share) * inverse[device];
                if (time < _limit)
                {
                    Offer(
                        before - Power((work[hot] - share) * inverse[hot]) - Power(time),
                        Cost(expert, hot, device),
                        new Change(ChangeKind.Move, expert, hot, -1, device));
                }
            }

            if (room && free)
            {
                Copy(expert, hot, device);
            }

            foreach (var other in state.Slots(device))
            {
                if (state.CanRemove(other, device))
                {
                    Replace(expert, hot, other, device);
                }

                var less = share - state.Share(other);
                var time = (work[device] + less) * inverse[device];
                Looked++;
                if (less > 0 && time < _limit && movable && state.CanMove(other, device, hot))
                {
                    Offer(
                        before - Power((work[hot] - less) * inverse[hot]) - Power(time),
                        Cost(expert, hot, device) + Cost(other, device, hot),
                        new Change(ChangeKind.Swap, expert, hot, other, device));
                }
            }
        }
    }

    private void Drop(int expert, int hot)
    {
        Looked++;
        var share = state.Share(expert);
        var more = (_frame.Load[expert] / (state.Copies[expert] - 1)) - share;
        var gain = Power(state.Time(hot)) - Power((state.Work[hot] - share) * _frame.Inverse[hot]);
        foreach (var host in state.Hosts(expert))
        {
            if (host != hot && !Rises(host, more, ref gain))
            {
                return;
            }
        }

        Offer(gain, Cost(expert, hot, -1), new Change(ChangeKind.Drop, expert, hot, -1, -1));
    }

    private void Copy(int expert, int hot, int device)
    {
        Looked++;
        var share = _frame.Load[expert] / (state.Copies[expert] + 1);
        var gain = 0.0;
        if (!Rises(device, share, ref gain))
        {
            return;
        }

        var less = state.Share(expert) - share;
        foreach (var host in state.Hosts(expert))
        {
            gain += Power(state.Time(host)) - Power((state.Work[host] - less) * _frame.Inverse[host]);
        }

        Offer(gain, Cost(expert, -1, device), new Change(ChangeKind.Copy, expert, hot, -1, device));
    }

    private void Replace(int expert, int hot, int other, int device)
    {
        Looked++;
        var share = _frame.Load[expert] / (state.Copies[expert] + 1);
        var less = state.Share(expert) - share;
        var otherShare = state.Share(other);
        var more = (_frame.Load[other] / (state.Copies[other] - 1)) - otherShare;
        var gain = 0.0;
        if (!Rises(device, share - otherShare, ref gain))
        {
            return;
        }

        var (mine, theirs) = (expert * _frame.Devices, other * _frame.Devices);
        foreach (var host in state.Hosts(other))
        {
            if (host != device && !Rises(host, state.Has[mine + host] ? more - less : more, ref gain))
            {
                return;
            }
        }

        foreach (var host in state.Hosts(expert))
        {
            if (!state.Has[theirs + host])
            {
                gain += Power(state.Time(host)) - Power((state.Work[host] - less) * _frame.Inverse[host]);
            }
        }

        Offer(gain, Cost(expert, -1, device) + Cost(other, device, -1), new Change(ChangeKind.Replace, expert, hot, other, device));
    }

    private void Trades(int expert, int hot)
    {
        var (load, copies) = (_frame.Load[expert], state.Copies[expert]);
        for (var other = 0; other < _frame.Experts; other++)
        {
            if (other == expert || _frame.Load[other] >= load || (copies == 1 && state.Copies[other] <= 1))
            {
                continue;
            }

            Looked++;
            Trade(expert, other, hot);
        }
    }

    private void Trade(int expert, int other, int hot)
    {
        // The other takes this one's places and its number of copies, and the reverse.
        var gone = state.Share(expert) - (_frame.Load[other] / state.Copies[expert]);
        var come = (_frame.Load[expert] / state.Copies[other]) - state.Share(other);
        var (mine, theirs) = (expert * _frame.Devices, other * _frame.Devices);
        var gain = 0.0;
        var cost = 0;
        foreach (var host in state.Hosts(expert))
        {
            var both = state.Has[theirs + host];
            if (!Rises(host, both ? come - gone : -gone, ref gain) || (!both && !_frame.Allowed[theirs + host]))
            {
                return;
            }

            cost += both ? 0 : Cost(expert, host, -1) + Cost(other, -1, host);
        }

        foreach (var host in state.Hosts(other))
        {
            if (state.Has[mine + host])
            {
                continue;
            }

            if (!Rises(host, come, ref gain) || !_frame.Allowed[mine + host])
            {
                return;
            }

            cost += Cost(other, host, -1) + Cost(expert, -1, host);
        }

        if (!_frame.HasPins || (!IsPinned(expert) && !IsPinned(other)))
        {
            Offer(gain, cost, new Change(ChangeKind.Trade, expert, hot, other, -1));
        }
    }

    private bool IsPinned(int expert) => Array.IndexOf(_frame.Pinned, true, expert * _frame.Devices, _frame.Devices) >= 0;

    /// <summary>Adds what a device's change means; false when it would be too hot.</summary>
    private bool Rises(int device, double more, ref double gain)
    {
        var time = (state.Work[device] + more) * _frame.Inverse[device];
        gain += Power(state.Time(device)) - Power(time);
        return time < _limit;
    }

    /// <summary>Copies to send for an expert that leaves one device and comes to another, −1 to 1.</summary>
    private int Cost(int expert, int from, int to)
    {
        var row = expert * _frame.Devices;
        return (to >= 0 && !_frame.Baseline[row + to] ? 1 : 0) - (from >= 0 && !_frame.Baseline[row + from] ? 1 : 0);
    }

    private double Power(double time)
    {
        var x = time * _scale;
        x *= x;
        x *= x;
        return Sharp ? x * x : x;
    }

    private void Offer(double gain, int cost, Change change)
    {
        var score = !Cheap ? gain : gain > 0 ? gain / Math.Max(cost, FreeMove) : gain * Math.Max(cost, FreeMove);
        if (score > _bestScore)
        {
            (_bestScore, _best, _found) = (score, change, true);
        }
    }
}
