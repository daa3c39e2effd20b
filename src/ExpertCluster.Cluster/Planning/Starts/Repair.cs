using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Starts;

/// <summary>
/// Makes a placement lawful with as few changes as it can: nothing where it is refused, no device over its slots, pins, and then the wanted copies of
/// each expert, first one of each, then two, spread over domains.
/// </summary>
internal static class Repair
{
    public static void Run(LayerState state)
    {
        RemoveRefused(state);
        Pins(state);
        ShrinkToFit(state);
        Copies(state);
        Spread(state);
        state.Recompute();
    }

    private static void RemoveRefused(LayerState state)
    {
        for (var device = 0; device < state.Frame.Devices; device++)
        {
            foreach (var expert in state.Slots(device).ToArray())
            {
                if (!state.Frame.Allowed[(expert * state.Frame.Devices) + device])
                {
                    state.Remove(expert, device);
                }
            }
        }
    }

    private static void Pins(LayerState state)
    {
        var frame = state.Frame;
        for (var at = 0; frame.HasPins && at < frame.Pinned.Length; at++)
        {
            var (expert, device) = (at / frame.Devices, at % frame.Devices);
            if (frame.Pinned[at] && state.CanAdd(expert, device) && Room.Make(state, device, state.Copies[expert]))
            {
                state.Add(expert, device);
            }
        }
    }

    private static void ShrinkToFit(LayerState state)
    {
        var frame = state.Frame;
        for (var device = 0; device < frame.Devices; device++)
        {
            while (state.Used[device] > frame.Cap[device] && Room.Free(state, device, 1))
            {
            }

            while (state.Used[device] > frame.Cap[device] && Room.Coldest(state, device, 0) is >= 0 and var expert)
            {
                state.Remove(expert, device);
            }
        }

        while (state.Total > frame.MaxTotal && (Room.RemoveSpare(state, frame.MinCopies) || Room.RemoveSpare(state, 1)))
        {
        }
    }

    private static void Copies(LayerState state)
    {
        var frame = state.Frame;
        for (var level = 0; level < frame.MinCopies; level++)
        {
            for (var expert = 0; expert < frame.Experts; expert++)
            {
                if (state.Copies[expert] == level)
                {
                    Cover(state, expert, level);
                }
            }
        }
    }

    private static void Cover(LayerState state, int expert, int level)
    {
        var frame = state.Frame;
        var order = Enumerable.Range(0, frame.Devices).Where(d => state.CanAdd(expert, d))
            .OrderBy(d => state.InDomain(expert, d) > 0)
            .ThenBy(d => state.Used[d] >= frame.Cap[d])
            .ThenBy(d => !frame.Baseline[(expert * frame.Devices) + d])
            .ThenBy(d => (state.Work[d] + (frame.Load[expert] / (level + 1))) * frame.Inverse[d])
            .ToArray();
        foreach (var device in order)
        {
            if (Room.Make(state, device, level))
            {
                state.Add(expert, device);
                return;
            }
        }
    }

    private static void Spread(LayerState state)
    {
        var frame = state.Frame;
        for (var expert = 0; frame.Spread > 1 && expert < frame.Experts; expert++)
        {
            for (var tries = 0; tries < frame.Spread && state.Copies[expert] > 1 && state.Spread(expert) < frame.Spread; tries++)
            {
                SpreadOne(state, expert);
            }
        }
    }

    private static void SpreadOne(LayerState state, int expert)
    {
        var frame = state.Frame;
        foreach (var from in state.Hosts(expert).ToArray())
        {
            if (state.InDomain(expert, from) < 2)
            {
                continue;
            }

            for (var to = 0; to < frame.Devices; to++)
            {
                if (state.InDomain(expert, to) > 0 || !state.CanMove(expert, from, to))
                {
                    continue;
                }

                if (state.Used[to] < frame.Cap[to])
                {
                    state.Move(expert, from, to);
                    return;
                }

                foreach (var other in state.Slots(to))
                {
                    if (state.CanMove(other, to, from))
                    {
                        state.Move(expert, from, to);
                        state.Move(other, to, from);
                        return;
                    }
                }
            }
        }
    }
}
