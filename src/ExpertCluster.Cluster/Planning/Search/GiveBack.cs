namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>Undoes what a placement need not change: as long as no device gets slower than a target, copies stay where they are now.</summary>
internal sealed class GiveBack(LayerState state, double target)
{
    private readonly LayerFrame _frame = state.Frame;
    private int _saved;
    private double _time;
    private (int Expert, int From, int Other, int To) _best;

    /// <summary>Makes the largest saving again and again until there is none.</summary>
    public void Run()
    {
        target *= 1 + 1e-12;
        for (var rounds = state.Received; rounds >= 0 && state.Received > 0; rounds--)
        {
            (_saved, _time) = (0, double.PositiveInfinity);
            for (var device = 0; device < _frame.Devices; device++)
            {
                foreach (var expert in state.Slots(device))
                {
                    if (!_frame.Baseline[(expert * _frame.Devices) + device])
                    {
                        Look(expert, device);
                    }
                }
            }

            if (_saved == 0)
            {
                break;
            }

            Apply();
        }

        state.Recompute();
    }

    private void Look(int expert, int device)
    {
        if (state.CanRemove(expert, device))
        {
            Without(expert, device, -1);
            for (var lost = 0; lost < _frame.Experts; lost++)
            {
                if (_frame.Baseline[(lost * _frame.Devices) + device] && state.CanAdd(lost, device) && state.Copies[lost] > 0)
                {
                    Without(expert, device, lost);
                }
            }
        }

        for (var home = 0; home < _frame.Devices; home++)
        {
            if (_frame.Baseline[(expert * _frame.Devices) + home] && state.CanMove(expert, device, home))
            {
                if (state.Used[home] < _frame.Cap[home])
                {
                    Exchange(expert, device, -1, home);
                }

                foreach (var other in state.Slots(home))
                {
                    Exchange(expert, device, other, home);
                }
            }
        }

        for (var lost = 0; lost < _frame.Experts; lost++)
        {
            if (_frame.Baseline[(lost * _frame.Devices) + device] && !state.Has[(lost * _frame.Devices) + device])
            {
                foreach (var host in state.Hosts(lost))
                {
                    if (state.CanMove(expert, device, host))
                    {
                        Exchange(expert, device, lost, host);
                    }
                }
            }
        }
    }

    /// <summary>A received copy goes, and a copy that was there stays in its place.</summary>
    private void Without(int expert, int device, int lost)
    {
        var (load, copies) = (_frame.Load, state.Copies);
        var share = state.Share(expert);
        var more = (load[expert] / (copies[expert] - 1)) - share;
        var (back, less) = lost < 0 ? (0.0, 0.0) : (load[lost] / (copies[lost] + 1), state.Share(lost) - (load[lost] / (copies[lost] + 1)));
        var largest = (state.Work[device] - share + back) * _frame.Inverse[device];
        foreach (var host in state.Hosts(expert))
        {
            if (host != device)
            {
                var eased = lost >= 0 && state.Has[(lost * _frame.Devices) + host] ? less : 0;
                largest = Math.Max(largest, (state.Work[host] + more - eased) * _frame.Inverse[host]);
            }
        }

        Offer(1, largest, (expert, device, lost, -1));
    }

    private void Exchange(int expert, int from, int other, int to)
    {
        var saved = 1 - (_frame.Baseline[(expert * _frame.Devices) + to] ? 0 : 1);
        var back = 0.0;
        if (other >= 0)
        {
            if (!state.CanMove(other, to, from))
            {
                return;
            }

            saved += (_frame.Baseline[(other * _frame.Devices) + to] ? 0 : 1) - (_frame.Baseline[(other * _frame.Devices) + from] ? 0 : 1);
            back = state.Share(other);
        }

        if (saved > 0)
        {
            var less = state.Share(expert) - back;
            Offer(
                saved,
                Math.Max((state.Work[from] - less) * _frame.Inverse[from], (state.Work[to] + less) * _frame.Inverse[to]),
                (expert, from, other, to));
        }
    }

    private void Offer(int saved, double largest, (int Expert, int From, int Other, int To) change)
    {
        if (largest <= target && (saved, -largest).CompareTo((_saved, -_time)) > 0)
        {
            (_saved, _time, _best) = (saved, largest, change);
        }
    }

    private void Apply()
    {
        var (expert, from, other, to) = _best;
        if (to < 0)
        {
            state.Remove(expert, from);
            if (other >= 0)
            {
                state.Add(other, from);
            }

            return;
        }

        state.Move(expert, from, to);
        if (other >= 0)
        {
            state.Move(other, to, from);
        }
    }
}
