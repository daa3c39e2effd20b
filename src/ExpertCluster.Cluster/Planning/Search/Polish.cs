namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>Iterated local search: disturb a good placement a little, descend again, keep what is better.</summary>
internal static class Polish
{
    /// <summary>Improves a placement in place until <paramref name="enough"/> is reached or so many changes were looked at.</summary>
    /// <returns>Changes looked at.</returns>
    public static long Run(LayerState state, long most, double enough, Random random)
    {
        var work = new LayerState(state.Frame);
        var largest = state.MaxTime();
        long looked = 0;
        while (looked < most && largest > enough)
        {
            work.CopyFrom(state);
            if (!Disturb(work, random))
            {
                return looked + 1;
            }

            var descent = new Descent(work);
            descent.Run(most - looked);
            looked += descent.Looked + (2 * state.Frame.Experts);
            var time = work.MaxTime();
            if (time < largest * (1 - 1e-9))
            {
                state.CopyFrom(work);
                largest = time;
            }
        }

        state.Recompute();
        return looked;
    }

    private static bool Disturb(LayerState state, Random random)
    {
        var frame = state.Frame;
        if (frame.Devices < 2)
        {
            return false;
        }

        var wanted = 1 + random.Next(3);
        var done = 0;
        for (var tries = 0; done < wanted && tries < 40; tries++)
        {
            var from = random.Next(2) == 0 ? state.Hottest() : random.Next(frame.Devices);
            var to = random.Next(frame.Devices);
            if (from == to || state.Used[from] == 0)
            {
                continue;
            }

            var expert = state.Slots(from)[random.Next(state.Used[from])];
            done += Exchange(state, expert, from, to, random) ? 1 : 0;
        }

        return done > 0;
    }

    private static bool Exchange(LayerState state, int expert, int from, int to, Random random)
    {
        var frame = state.Frame;
        if (state.Used[to] < frame.Cap[to])
        {
            if (state.CanMove(expert, from, to))
            {
                state.Move(expert, from, to);
                return true;
            }

            return false;
        }

        if (state.Used[to] == 0 || !state.CanAdd(expert, to))
        {
            return false;
        }

        var other = state.Slots(to)[random.Next(state.Used[to])];
        if (state.CanRemove(other, to) && random.Next(2) == 0)
        {
            state.Remove(other, to);
            state.Add(expert, to);
            return true;
        }

        if (!state.CanMove(expert, from, to) || !state.CanMove(other, to, from))
        {
            return false;
        }

        state.Move(expert, from, to);
        state.Move(other, to, from);
        return true;
    }
}
