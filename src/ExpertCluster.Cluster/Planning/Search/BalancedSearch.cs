using ExpertCluster.Cluster.Planning.Starts;

namespace ExpertCluster.Cluster.Planning.Search;

/// <summary>
/// Looks from two sides: full plans for the load (its own and EPLB's, improved by local search, relabelled onto what is there, undone where that costs
/// nothing), and single changes from what is there, the most relief per copy first.
/// </summary>
internal sealed class BalancedSearch(LayerFrame frame, PlannerOptions options, int layer)
{
    private readonly Random _random = new(unchecked((options.Seed * 397) ^ layer));
    private readonly List<Candidate> _found = [];
    private readonly List<string> _notes = [];

    public LayerOptions Run()
    {
        var groups = frame.Groups is null ? null : new GroupDomains(frame);
        var present = Array.IndexOf(frame.Baseline, true) >= 0;
        var eplb = EplbStart.Build(frame, out _);
        var full = Full(groups, eplb, present);
        if (!present || full.MaxTime() <= 0)
        {
            var only = Candidate.Of(full);
            return new LayerOptions(only, [], only.MaxTime, _notes);
        }

        var required = LayerState.From(GroupDomains.Keep(frame, frame.Baseline), frame.Baseline);
        Repair.Run(required);
        var first = Candidate.Of(required);
        var goal = full.MaxTime() * (1 + options.SameGain);
        if (eplb is not null && options.EnoughLikeEplb)
        {
            goal = Math.Max(goal, eplb.MaxTime * (1 + options.SameGain));
        }

        Approach(required, goal, false);
        required.Load(first.Has(frame));
        Approach(required, goal, true);
        if (eplb is not null)
        {
            Return(eplb.Has, goal);
        }

        Return(full.Has, goal);
        return new LayerOptions(first, _found, goal, _notes);
    }

    /// <summary>The best placement for the load, whatever is there now.</summary>
    private LayerState Full(GroupDomains? groups, EplbStart? eplb, bool present)
    {
        var most = options.Effort * 1000L;
        var starts = new List<LayerState>();
        foreach (var lawful in Frames(groups, eplb, present))
        {
            starts.Add(Greedy.Build(lawful));
        }

        if (eplb is not null)
        {
            var start = LayerState.From(GroupDomains.Keep(frame, eplb.Has), eplb.Has);
            Repair.Run(start);
            starts.Add(start);
        }

        LayerState? best = null;
        var bestKey = (0, 0.0);
        foreach (var start in starts)
        {
            var descent = new Descent(start);
            descent.Run(most);
            most = Math.Max(most / 4, most - descent.Looked);
            start.Recompute();
            var key = (Uncovered(start), start.MaxTime());
            if (best is null || key.CompareTo(bestKey) < 0)
            {
                (best, bestKey) = (start, key);
            }
        }

        Polish.Run(best!, most, Math.Min(eplb?.MaxTime ?? double.MaxValue, best!.Frame.Floor * 1.0005), _random);
        return best!;
    }

    private int Uncovered(LayerState state)
    {
        var missing = 0;
        foreach (var copies in state.Copies)
        {
            missing += Math.Max(0, frame.MinCopies - copies) + (copies == 0 ? frame.MinCopies * frame.Experts : 0);
        }

        return missing;
    }

    private List<LayerFrame> Frames(GroupDomains? groups, EplbStart? eplb, bool present)
    {
        if (groups is null)
        {
            return [frame];
        }

        var (frames, seen) = (new List<LayerFrame>(), new HashSet<string>());
        int[]?[] wishes = [null, present ? groups.Of(frame.Baseline) : null, eplb is null ? null : groups.Of(eplb.Has)];
        foreach (var wish in wishes)
        {
            foreach (var improve in new[] { true, false })
            {
                if (groups.Complete(wish) is { } domains)
                {
                    if (improve)
                    {
                        groups.Improve(domains);
                    }

                    if (seen.Add(string.Join(',', domains)))
                    {
                        frames.Add(groups.Restrict(domains));
                    }
                }
            }
        }

        if (frames.Count == 0)
        {
            _notes.Add(GroupDomains.DoNotFit(layer));
            frames.Add(frame);
        }

        return frames;
    }

    /// <summary>Single changes from the present placement until the goal is reached.</summary>
    private void Approach(LayerState state, double goal, bool sharp)
    {
        state.Recompute();
        var descent = new Descent(state) { Cheap = true, Sharp = sharp };
        var most = options.Effort * 1000L;
        while (state.MaxTime() > goal && descent.Looked < most && descent.Step())
        {
            _found.Add(Candidate.Of(state));
        }

        if (state.MaxTime() > goal)
        {
            Polish.Run(state, most / 4, goal, _random);
            new GiveBack(state, Math.Max(goal, state.MaxTime())).Run();
            _found.Add(Candidate.Of(state));
        }
        else
        {
            new GiveBack(state, goal).Run();
            _found.Add(Candidate.Of(state));
        }
    }

    /// <summary>A full plan under the names that fit best, with what need not change undone.</summary>
    private void Return(bool[] has, double goal)
    {
        var named = Relabelling.Run(frame, has);
        var state = LayerState.From(GroupDomains.Keep(frame, named), named);
        Repair.Run(state);
        var fewest = _found.Where(c => c.MaxTime <= goal).Select(c => c.Received).DefaultIfEmpty(int.MaxValue).Min();
        if (state.MaxTime() > goal)
        {
            var descent = new Descent(state) { Cheap = true };
            for (var steps = 0; steps < 4 * frame.Devices && state.MaxTime() > goal && descent.Step(); steps++)
            {
            }
        }

        if (state.Received < 2L * fewest)
        {
            new GiveBack(state, Math.Max(goal, state.MaxTime())).Run();
        }

        _found.Add(Candidate.Of(state));
    }
}
