using ExpertCluster.Cluster.Planning.Starts;

namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>The other strategies: one candidate each.</summary>
internal sealed class BaselineSearch(LayerFrame frame, PlannerOptions options, int layer, double copySeconds)
{
    private readonly List<string> _notes = [];

    public LayerOptions Run()
    {
        var required = LayerState.From(GroupDomains.Keep(frame, frame.Baseline), frame.Baseline);
        var present = required.Total > 0;
        if (present)
        {
            Repair.Run(required);
        }

        var state = options.Strategy switch
        {
            PlannerStrategy.Eplb => Published(),
            PlannerStrategy.Shadow => Shadow(present ? Copy(required) : Single()),
            _ => ReplicateTop(present ? Copy(required) : Single()),
        };
        var found = Candidate.Of(state);
        if (frame.Groups is not null && new GroupDomains(frame).Complete(null) is null)
        {
            _notes.Add(GroupDomains.DoNotFit(layer));
        }

        return present ? new LayerOptions(Candidate.Of(required), [found], 0, _notes) : new LayerOptions(found, [], 0, _notes);
    }

    private static LayerState Copy(LayerState state)
    {
        var copy = new LayerState(state.Frame);
        copy.CopyFrom(state);
        return copy;
    }

    private LayerState Published()
    {
        if (EplbStart.Build(frame, out var whyNot) is { } eplb)
        {
            var state = LayerState.From(GroupDomains.Keep(frame, eplb.Has), eplb.Has);
            Repair.Run(state);
            return state;
        }

        _notes.Add($"layer {layer}: EPLB cannot plan it: {whyNot}; the heaviest copies first, each to the least busy device, instead");
        return Greedy.Build(GroupDomains.Keep(frame, frame.Baseline));
    }

    /// <summary>The wanted copies only, spread by load.</summary>
    private LayerState Single()
    {
        var state = Greedy.Build(GroupDomains.Keep(frame, frame.Baseline));
        while (Room.RemoveSpare(state, frame.MinCopies))
        {
        }

        state.Recompute();
        return state;
    }

    /// <summary>
    /// FasterMoE's rule (He et al. 2022, PPoPP, section 4.1): down the list of experts by load, the next is copied to all devices as long as the
    /// largest device time falls by more than its broadcast costs; the first that does not pay ends it.
    /// </summary>
    private LayerState Shadow(LayerState state)
    {
        var trial = Copy(state);
        foreach (var expert in ByLoad())
        {
            var sent = Everywhere(trial, expert, e => trial.Frame.Load[e] >= trial.Frame.Load[expert]);
            var gain = (state.MaxTime() - trial.MaxTime()) / Math.Max(frame.Ideal, double.Epsilon);
            if (gain <= (sent > 0 ? options.MoveCost * copySeconds : 0))
            {
                break;
            }

            state.CopyFrom(trial);
        }

        return state;
    }

    private LayerState ReplicateTop(LayerState state)
    {
        var spare = Math.Max(0, frame.MaxTotal - (frame.Experts * frame.MinCopies));
        var top = options.TopExperts ?? (frame.Devices > frame.MinCopies ? spare / (frame.Devices - frame.MinCopies) : 0);
        var chosen = new HashSet<int>(ByLoad().Take(top));
        foreach (var expert in ByLoad().Take(top))
        {
            Everywhere(state, expert, chosen.Contains);
        }

        return state;
    }

    private IEnumerable<int> ByLoad() => Enumerable.Range(0, frame.Experts).OrderByDescending(e => frame.Load[e]);

    /// <summary>Copies an expert to each device that has room or a spare copy of an expert that is not kept.</summary>
    private static int Everywhere(LayerState state, int expert, Func<int, bool> kept)
    {
        var sent = 0;
        for (var device = 0; device < state.Frame.Devices; device++)
        {
            if (!state.CanAdd(expert, device))
            {
                continue;
            }

            if (state.Used[device] >= state.Frame.Cap[device] || state.Total >= state.Frame.MaxTotal)
            {
                var spare = -1;
                foreach (var other in state.Slots(device))
                {
                    if (!kept(other) && state.CanRemove(other, device) && (spare < 0 || state.Share(other) < state.Share(spare)))
                    {
                        spare = other;
                    }
                }

                if (spare < 0)
                {
                    continue;
                }

                state.Remove(spare, device);
            }

            state.Add(expert, device);
            sent++;
        }

        state.Recompute();
        return sent;
    }
}
