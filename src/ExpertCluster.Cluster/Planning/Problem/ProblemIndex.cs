using ExpertCluster.Cluster.Planning.Search;

namespace ExpertCluster.Cluster.Planning.Problem;

/// <summary>A problem as arrays: devices sorted by domain and name, layers by number, so that no order of lists or dictionaries shows through.</summary>
internal sealed class ProblemIndex
{
    private ProblemIndex(PlanProblem problem)
    {
        Problem = problem;
        Devices = [.. problem.Devices.OrderBy(d => d.Domain, StringComparer.Ordinal).ThenBy(d => d.Id, StringComparer.Ordinal)];
        Layers = [.. problem.Layers.OrderBy(l => l.Layer)];
        DomainNames = [.. Devices.Select(d => d.Domain).Distinct()];
        Position = Devices.Select((d, i) => (d.Id, i)).ToDictionary(p => p.Id, p => p.i, StringComparer.Ordinal);
        Memory = [.. Devices.Select(d => (int)Math.Min(d.MemoryBytes / problem.ExpertBytes, int.MaxValue / 2))];
        Wanted = Math.Max(problem.Copies, problem.SurviveLossOf + 1);
    }

    public PlanProblem Problem { get; }

    public PlanDevice[] Devices { get; }

    public PlanLayer[] Layers { get; }

    public string[] DomainNames { get; }

    public Dictionary<string, int> Position { get; }

    /// <summary>Experts each device has memory for, [D].</summary>
    public int[] Memory { get; }

    /// <summary>Wanted copies of each expert.</summary>
    public int Wanted { get; }

    /// <summary>One for each layer, [L].</summary>
    public LayerFrame[] Frames { get; private set; } = [];

    /// <summary>Copies beyond the first that a device holds of an expert now: expert·D + device, once each, [L].</summary>
    public int[][] Second { get; private set; } = [];

    /// <summary>Device time of the slowest device now, second copies counted, [L].</summary>
    public double[] TimeBefore { get; private set; } = [];

    public static ProblemIndex Of(PlanProblem problem, PlannerOptions options)
    {
        ProblemCheck.Run(problem, options);
        var index = new ProblemIndex(problem);
        index.Build();
        return index;
    }

    private void Build()
    {
        var d = Devices.Length;
        var domain = Devices.Select(device => Array.IndexOf(DomainNames, device.Domain)).ToArray();
        var speed = Devices.Select(device => device.Speed).ToArray();
        var (baseline, pinned, allowed) = (new bool[Layers.Length][], new bool[Layers.Length][], new bool[Layers.Length][]);
        Second = new int[Layers.Length][];
        TimeBefore = new double[Layers.Length];
        for (var l = 0; l < Layers.Length; l++)
        {
            var size = Layers[l].Load.Count * d;
            (baseline[l], pinned[l], allowed[l]) = (new bool[size], new bool[size], new bool[size]);
            Array.Fill(allowed[l], true);
            Present(l, baseline[l], pinned[l]);
        }

        Places(Problem.Pins, pinned, true);
        Places(Problem.Exclusions, allowed, false);
        for (var l = 0; l < Layers.Length; l++)
        {
            for (var at = 0; at < pinned[l].Length; at++)
            {
                pinned[l][at] &= allowed[l][at];
            }
        }

        var caps = SlotBudget.Share(
            Memory,
            [.. Layers.Select(l => Devices.Select(device => Math.Min(device.MaxPerLayer ?? int.MaxValue, l.Load.Count)).ToArray())],
            [.. baseline.Select(Count)],
            [.. pinned.Select(Count)],
            [.. Layers.Select(l => l.Load.Count)]);
        Frames = new LayerFrame[Layers.Length];
        for (var l = 0; l < Layers.Length; l++)
        {
            var (layer, cap) = (Layers[l], caps[l]);
            var experts = layer.Load.Count;
            var groups = Problem.Groups is { } g && g.Count == experts && DomainNames.Length > 1 ? g.ToArray() : null;
            var copies = Math.Min(Wanted, Math.Max(1, d));
            Frames[l] = new LayerFrame
            {
                Experts = experts,
                Devices = d,
                Load = [.. layer.Load],
                Speed = speed,
                Inverse = [.. speed.Select(s => 1 / s)],
                Domain = domain,
                Domains = DomainNames.Length,
                Cap = cap,
                MaxTotal = Math.Min(Problem.ReplicasPerLayer ?? int.MaxValue, cap.Sum()),
                MinCopies = copies,
                Spread = copies > 1 && groups is null ? Math.Min(copies, DomainNames.Length) : 1,
                Allowed = allowed[l],
                Pinned = pinned[l],
                Baseline = baseline[l],
                Groups = groups,
                RowsFrom = RowsFrom(layer),
            }.Ready();
        }
    }

    private void Present(int l, bool[] baseline, bool[] pinned)
    {
        var (layer, d) = (Layers[l], Devices.Length);
        var second = new List<int>();
        var copies = new int[layer.Load.Count];
        foreach (var replica in layer.Present)
        {
            if (Position.TryGetValue(replica.Device, out var device))
            {
                var at = (replica.Expert * d) + device;
                if (baseline[at])
                {
                    second.Add(at);
                }

                baseline[at] = true;
                pinned[at] |= replica.Pinned;
                copies[replica.Expert]++;
            }
        }

        second.Sort();
        Second[l] = [.. second];
        var work = new double[d];
        foreach (var replica in layer.Present.OrderBy(r => r.Expert))
        {
            if (Position.TryGetValue(replica.Device, out var device))
            {
                work[device] += layer.Load[replica.Expert] / copies[replica.Expert];
            }
        }

        TimeBefore[l] = work.Zip(Devices, (w, device) => w / device.Speed).DefaultIfEmpty(0).Max();
    }

    private void Places(IReadOnlyList<PlanPlace> places, bool[][] where, bool value)
    {
        foreach (var place in places)
        {
            var l = Array.FindIndex(Layers, layer => layer.Layer == place.Layer);
            where[l][(place.Expert * Devices.Length) + Position[place.Device]] = value;
        }
    }

    private int[] Count(bool[] places)
    {
        var count = new int[Devices.Length];
        for (var at = 0; at < places.Length; at++)
        {
            count[at % count.Length] += places[at] ? 1 : 0;
        }

        return count;
    }

    private double[]? RowsFrom(PlanLayer layer)
    {
        var total = layer.RowsFrom?.Values.Order().Sum() ?? 0;
        return total > 0 ? [.. DomainNames.Select(name => layer.RowsFrom!.GetValueOrDefault(name) / total)] : null;
    }
}
