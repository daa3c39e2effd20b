using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Starts;

/// <summary>
/// A placement from nothing: spare copies go one by one to the expert with the most load per copy, then copies, the heaviest first, to the device that
/// ends least busy (longest processing time first, for devices of unequal speed and slots).
/// </summary>
internal static class Greedy
{
    public static LayerState Build(LayerFrame frame)
    {
        var state = new LayerState(frame);
        for (var at = 0; frame.HasPins && at < frame.Pinned.Length; at++)
        {
            if (frame.Pinned[at] && state.Used[at % frame.Devices] < frame.Cap[at % frame.Devices] && state.Total < frame.MaxTotal)
            {
                state.Add(at / frame.Devices, at % frame.Devices);
            }
        }

        var copies = Copies(frame);
        var order = Enumerable.Range(0, frame.Experts).OrderByDescending(e => frame.Load[e] / Math.Max(1, copies[e])).ToArray();

        // Work counts each copy with the share it will have when all are placed.
        var work = new double[frame.Devices];
        foreach (var expert in order)
        {
            var share = frame.Load[expert] / Math.Max(1, copies[expert]);
            foreach (var host in state.Hosts(expert))
            {
                work[host] += share;
            }

            while (state.Copies[expert] < copies[expert] && state.Total < frame.MaxTotal && Best(state, work, expert, share) is >= 0 and var device)
            {
                state.Add(expert, device);
                work[device] += share;
            }
        }

        Repair.Run(state);
        return state;
    }

    private static int Best(LayerState state, double[] work, int expert, double share)
    {
        var frame = state.Frame;
        var wants = frame.Spread > 1 && state.Spread(expert) < frame.Spread;
        var best = -1;
        var (bestNew, bestTime) = (false, 0.0);
        for (var device = 0; device < frame.Devices; device++)
        {
            if (state.Used[device] >= frame.Cap[device] || !state.CanAdd(expert, device))
            {
                continue;
            }

            var fresh = wants && state.InDomain(expert, device) == 0;
            var time = (work[device] + share) * frame.Inverse[device];
            if (best < 0 || (fresh && !bestNew) || (fresh == bestNew && time < bestTime))
            {
                (best, bestNew, bestTime) = (device, fresh, time);
            }
        }

        return best;
    }

    private static int[] Copies(LayerFrame frame)
    {
        var (copies, most) = (new int[frame.Experts], new int[frame.Experts]);
        var total = 0;
        for (var expert = 0; expert < frame.Experts; expert++)
        {
            most[expert] = frame.Allowed.AsSpan(expert * frame.Devices, frame.Devices).Count(true);
            var pins = frame.Pinned.AsSpan(expert * frame.Devices, frame.Devices).Count(true);
            copies[expert] = Math.Max(pins, Math.Min(1, most[expert]));
            total += copies[expert];
        }

        var room = Math.Min(frame.MaxTotal, frame.Cap.Sum());
        for (var level = 1; level < frame.MinCopies; level++)
        {
            for (var expert = 0; expert < frame.Experts && total < room; expert++)
            {
                if (copies[expert] == level && level < most[expert])
                {
                    copies[expert]++;
                    total++;
                }
            }
        }

        for (; total < room; total++)
        {
            var hottest = -1;
            for (var expert = 0; expert < frame.Experts; expert++)
            {
                if (copies[expert] < most[expert] && frame.Load[expert] > 0
                    && (hottest < 0 || frame.Load[expert] * copies[hottest] > frame.Load[hottest] * copies[expert]))
                {
                    hottest = expert;
                }
            }

            if (hottest < 0)
            {
                break;
            }

            copies[hottest]++;
        }

        return copies;
    }
}
