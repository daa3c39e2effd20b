using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Starts;

/// <summary>Finds a free slot on a device for a copy that matters more than what is there.</summary>
internal static class Room
{
    /// <summary>Makes room for an expert that has so many copies, at the expense of experts that have at least two more or by moving others on.</summary>
    public static bool Make(LayerState state, int device, int copies)
    {
        if (state.Frame.Cap[device] == 0)
        {
            return false;
        }

        if (state.Used[device] >= state.Frame.Cap[device] && !Free(state, device, copies + 1))
        {
            return false;
        }

        return state.Total < state.Frame.MaxTotal || RemoveSpare(state, copies + 1);
    }

    /// <summary>Frees a slot: the coldest copy of an expert with more than so many goes, or a chain of experts moves on to a free slot.</summary>
    public static bool Free(LayerState state, int device, int copies)
    {
        if (Coldest(state, device, copies) is >= 0 and var spare)
        {
            state.Remove(spare, device);
            return true;
        }

        return Shift(state, device);
    }

    /// <summary>The coldest copy on a device of an expert with more than so many copies that is not pinned, or −1.</summary>
    public static int Coldest(LayerState state, int device, int copies)
    {
        var coldest = -1;
        foreach (var expert in state.Slots(device))
        {
            if (state.Copies[expert] > copies && !state.Frame.Pinned[(expert * state.Frame.Devices) + device]
                && (coldest < 0 || (state.Share(expert), expert).CompareTo((state.Share(coldest), coldest)) < 0))
            {
                coldest = expert;
            }
        }

        return coldest;
    }

    /// <summary>Gives up the coldest copy of any expert with more than so many.</summary>
    public static bool RemoveSpare(LayerState state, int copies)
    {
        var (coldest, where) = (-1, -1);
        for (var device = 0; device < state.Frame.Devices; device++)
        {
            if (Coldest(state, device, copies) is >= 0 and var expert && (coldest < 0 || state.Share(expert) < state.Share(coldest)))
            {
                (coldest, where) = (expert, device);
            }
        }

        if (coldest < 0)
        {
            return false;
        }

        state.Remove(coldest, where);
        return true;
    }

    /// <summary>Breadth first over devices for a chain of moves that ends in a free slot; carried out from its end.</summary>
    private static bool Shift(LayerState state, int device)
    {
        var frame = state.Frame;
        var (before, carried) = (new int[frame.Devices], new int[frame.Devices]);
        Array.Fill(before, -1);
        before[device] = device;
        var queue = new Queue<int>([device]);
        while (queue.TryDequeue(out var from))
        {
            foreach (var expert in state.Slots(from))
            {
                for (var to = 0; to < frame.Devices; to++)
                {
                    if (before[to] >= 0 || frame.Cap[to] == 0 || !state.CanMove(expert, from, to))
                    {
                        continue;
                    }

                    (before[to], carried[to]) = (from, expert);
                    if (state.Used[to] < frame.Cap[to])
                    {
                        for (var at = to; at != device; at = before[at])
                        {
                            state.Move(carried[at], before[at], at);
                        }

                        return true;
                    }

                    queue.Enqueue(to);
                }
            }
        }

        return false;
    }
}
