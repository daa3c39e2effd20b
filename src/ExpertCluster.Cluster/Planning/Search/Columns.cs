using ExpertCluster.Cluster.Planning.Problem;
using ExpertCluster.Moe.Placement;

namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>
/// Honours the hint that experts of several layers share a device, in first placements: layer by layer, an expert changes places with another as long
/// as that makes no device slower than the slowest is. Placements that exist are not disturbed for a hint.
/// </summary>
internal static class Columns
{
    public static void Run(ProblemIndex index, LayerOptions[] layers, ExpertColocation together)
    {
        var group = new Dictionary<(int Layer, int Expert), int>();
        for (var g = 0; g < together.Groups.Count; g++)
        {
            foreach (var member in together.Groups[g])
            {
                group.TryAdd(member, g);
            }
        }

        var home = new Dictionary<int, int>();
        for (var l = 0; l < layers.Length; l++)
        {
            var frame = index.Frames[l];
            var state = LayerState.From(frame, layers[l].Required.Has(frame));
            var fresh = Array.IndexOf(frame.Baseline, true) < 0 && frame.Groups is null;
            for (var expert = 0; expert < frame.Experts; expert++)
            {
                if (!group.TryGetValue((index.Layers[l].Layer, expert), out var g) || state.Copies[expert] == 0)
                {
                    continue;
                }

                if (!home.TryGetValue(g, out var device))
                {
                    home[g] = state.Hosts(expert)[0];
                }
                else if (fresh)
                {
                    Bring(state, expert, device, e => group.TryGetValue((index.Layers[l].Layer, e), out var other)
                        && home.TryGetValue(other, out var at) && at == device);
                }
            }

            if (fresh)
            {
                state.Recompute();
                layers[l] = layers[l] with { Required = Candidate.Of(state) };
            }
        }
    }

    private static void Bring(LayerState state, int expert, int device, Func<int, bool> atHome)
    {
        var limit = state.MaxTime() * (1 + 1e-12);
        if (!state.CanAdd(expert, device))
        {
            return;
        }

        foreach (var from in state.Hosts(expert).ToArray())
        {
            if (!state.CanMove(expert, from, device))
            {
                continue;
            }

            if (state.Used[device] < state.Frame.Cap[device]
                && (state.Work[device] + state.Share(expert)) * state.Frame.Inverse[device] <= limit)
            {
                state.Move(expert, from, device);
                return;
            }

            foreach (var other in state.Slots(device))
            {
                var more = state.Share(expert) - state.Share(other);
                if (!atHome(other) && state.CanMove(other, device, from)
                    && (state.Work[device] + more) * state.Frame.Inverse[device] <= limit
                    && (state.Work[from] - more) * state.Frame.Inverse[from] <= limit)
                {
                    state.Move(expert, from, device);
                    state.Move(other, device, from);
                    return;
                }
            }
        }
    }
}
