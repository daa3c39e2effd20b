using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Steps;

/// <summary>
/// Puts the changes of a layer in an order that can be carried out: what has a free slot first, then what frees one, then a copy that has another is
/// retired before it is added, then one slot too many for a while, then a detour over a device with room.
/// </summary>
internal sealed class LayerSchedule
{
    private readonly LayerState _state;
    private readonly LayerFrame _frame;
    private readonly int[] _slots;
    private readonly int _most;
    private readonly int[] _memory;
    private readonly List<PendingMove> _pending;
    private readonly List<ScheduledStep> _steps = [];
    private int _detours;

    /// <summary>A schedule from the present placement to a chosen one.</summary>
    /// <param name="frame">The layer.</param>
    /// <param name="chosen">expert·D + device of each replica afterwards.</param>
    /// <param name="slots">Slots of the layer on each device, whatever their memory, [D].</param>
    /// <param name="most">Most replicas of the layer.</param>
    /// <param name="memory">Experts each device has memory left for, [D]; changed as steps are found.</param>
    public LayerSchedule(LayerFrame frame, int[] chosen, int[] slots, int most, int[] memory)
    {
        (_frame, _slots, _most, _memory) = (frame, slots, most, memory);
        _state = LayerState.From(frame, frame.Baseline);
        _pending = Pending(frame, chosen);
        _detours = _pending.Count;
    }

    /// <summary>The steps in order; null when some cannot be carried out, with memory as it was left.</summary>
    public List<ScheduledStep>? Run()
    {
        while (_pending.Count > 0)
        {
            if (!Straight() && !Retire() && !Exchange() && !Detour())
            {
                return null;
            }
        }

        return _steps;
    }

    private static List<PendingMove> Pending(LayerFrame frame, int[] chosen)
    {
        var (d, wanted, pending) = (frame.Devices, new bool[frame.Baseline.Length], new List<PendingMove>());
        foreach (var at in chosen)
        {
            wanted[at] = true;
        }

        for (var expert = 0; expert < frame.Experts; expert++)
        {
            var (come, go) = (new List<int>(), new List<int>());
            for (var device = 0; device < d; device++)
            {
                var at = (expert * d) + device;
                if (wanted[at] != frame.Baseline[at])
                {
                    (wanted[at] ? come : go).Add(device);
                }
            }

            // Inside a domain where possible: its links are the faster ones.
            foreach (var to in come)
            {
                var from = go.Count == 0 ? -1 : go.FindIndex(g => frame.Domain[g] == frame.Domain[to]) is >= 0 and var near ? go[near] : go[0];
                go.Remove(from);
                pending.Add(new PendingMove(expert, from, to));
            }

            pending.AddRange(go.Select(from => new PendingMove(expert, from, -1)));
        }

        return pending;
    }

    /// <summary>The best of what finds slot and memory.</summary>
    private bool Straight()
    {
        var hot = _state.Hottest();
        var (best, rank) = (-1, (0, 0.0));
        for (var i = 0; i < _pending.Count; i++)
        {
            var move = _pending[i];
            if (move.To < 0 || _state.Used[move.To] >= _slots[move.To] || _memory[move.To] < 1
                || (move.From < 0 && _state.Total >= _most && _state.Copies[move.Expert] > 0))
            {
                continue;
            }

            var share = _frame.Load[move.Expert] / (_state.Copies[move.Expert] + (move.From < 0 ? 1 : 0));
            var key = (
                _state.Copies[move.Expert] == 0 ? 2 : move.From == hot ? 1 : 0,
                -(_state.Work[move.To] + share) * _frame.Inverse[move.To]);
            if (best < 0 || key.CompareTo(rank) > 0)
            {
                (best, rank) = (i, key);
            }
        }

        if (best < 0)
        {
            return false;
        }

        Carry(best, false);
        return true;
    }

    private bool Retire()
    {
        var best = _pending.FindIndex(m => m.To < 0 && _state.Copies[m.Expert] > 1);
        if (best < 0)
        {
            return false;
        }

        Carry(best, false);
        return true;
    }

    /// <summary>All targets are full: opens a ring of moves, or whatever hangs on a full device.</summary>
    private bool Exchange()
    {
        var ring = Ring();
        foreach (var least in new[] { _frame.MinCopies, 0 })
        {
            // Retired first: another copy lives, and at first the wanted number of them.
            foreach (var i in ring)
            {
                var move = _pending[i];
                if (move.From >= 0 && move.To >= 0 && _state.Copies[move.Expert] > Math.Max(1, least))
                {
                    _pending[i] = new PendingMove(move.Expert, -1, move.To);
                    Do(new PendingMove(move.Expert, move.From, -1), false);
                    return true;
                }
            }

            if (least > 0 && ring.TrueForAll(i => _memory[_pending[i].To] >= 0) && ring.FindIndex(i => _memory[_pending[i].To] > 0 && _pending[i].From >= 0) is >= 0 and var start)
            {
                Turn([.. ring.Skip(start).Concat(ring.Take(start)).Select(i => _pending[i])]);
                return true;
            }
        }

        return false;
    }

    /// <summary>The first move fills a slot too many; each following one fills the place that the one before it left.</summary>
    private void Turn(List<PendingMove> ring)
    {
        foreach (var move in ring)
        {
            Carry(_pending.IndexOf(move), _state.Used[move.To] >= _slots[move.To]);
        }
    }

    /// <summary>
    /// The shortest ring of pending moves found, each into the device that the one before it leaves. When every target is full, one is found: what comes to a full
    /// device has something that leaves it, and so on. Empty when memory, not slots, is what is missing.
    /// </summary>
    private List<int> Ring()
    {
        var leaving = new Dictionary<int, int>();
        for (var i = 0; i < _pending.Count; i++)
        {
            if (_pending[i] is { From: >= 0, To: >= 0 } move)
            {
                leaving.TryAdd(move.From, i);
            }
        }

        List<int> shortest = [];
        foreach (var start in leaving.Values.Order())
        {
            var path = new List<int>();
            var i = start;
            while (!path.Contains(i))
            {
                path.Add(i);
                if (!leaving.TryGetValue(_pending[i].To, out i))
                {
                    path.Clear();
                    break;
                }
            }

            if (path.Count > 0)
            {
                path.RemoveRange(0, path.IndexOf(i));
                shortest = shortest.Count == 0 || path.Count < shortest.Count ? path : shortest;
            }
        }

        shortest.Reverse();
        return shortest;
    }

    private bool Detour()
    {
        for (var i = 0; _detours > 0 && i < _pending.Count; i++)
        {
            var move = _pending[i];
            for (var over = 0; move.From >= 0 && move.To >= 0 && over < _frame.Devices; over++)
            {
                if (over != move.To && _state.CanAdd(move.Expert, over) && _state.Used[over] < _slots[over] && _memory[over] > 0
                    && !_pending.Exists(m => m.Expert == move.Expert && m.To == over))
                {
                    _detours--;
                    Do(new PendingMove(move.Expert, move.From, over), false);
                    _pending[i] = new PendingMove(move.Expert, over, move.To);
                    return true;
                }
            }
        }

        return false;
    }

    private void Carry(int index, bool transient)
    {
        var move = _pending[index];
        _pending.RemoveAt(index);
        Do(move, transient);
    }

    private void Do(PendingMove move, bool transient)
    {
        var hot = _state.MaxTime();
        var (from, to) = (move.From < 0 ? 0 : _state.Time(move.From), move.To < 0 ? 0 : _state.Time(move.To));
        if (move.To >= 0)
        {
            _state.Add(move.Expert, move.To);
            _memory[move.To]--;
        }

        if (move.From >= 0)
        {
            _state.Remove(move.Expert, move.From);
            _memory[move.From]++;
        }

        _steps.Add(new ScheduledStep(move.Expert, move.From, move.To, hot, _state.MaxTime(), from, to, _state.Copies[move.Expert], transient));
    }
}
