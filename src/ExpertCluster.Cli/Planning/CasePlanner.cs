using System.Diagnostics;
using System.Globalization;
using ExpertCluster.Cluster.Planning;

namespace ExpertCluster.Cli.Planning;

/// <summary>Plans a case in each way that applies to it, next to the own port of EPLB.</summary>
internal sealed class CasePlanner(LoadsCase loads, PlannerOptions options, bool slots)
{
    private readonly int _perGpu = ((loads.Replicas - 1) / loads.Gpus) + 1;

    public IEnumerable<CaseRun> Run()
    {
        foreach (var groups in loads.KeepsGroups ? new[] { true, false } : [false])
        {
            if (loads.Present is null || loads.BalancednessMean is not null)
            {
                yield return One(groups, loads.Load, "load", null, "nothing");
            }

            if (loads.Present is not null || loads.LoadNext is not null)
            {
                var (start, from) = loads.Present is not null ? (loads.Present, "present") : Before(groups);
                yield return One(groups, loads.LoadNext ?? loads.Load, loads.LoadNext is null ? "load" : "load_next", start, from);
            }
        }
    }

    private (int[][] Start, string From) Before(bool groups) => loads.SuitsEplb
        ? (Eplb(loads.Load, groups), "eplb")
        : (Slots(Planner.Plan(Problem(groups, loads.Load, null), options)), "plan");

    private CaseRun One(bool groups, double[][] target, string name, int[][]? start, string from)
    {
        var problem = Problem(groups, target, start);
        var clock = Stopwatch.StartNew();
        var plan = Planner.Plan(problem, options with { MinGain = 0, EnoughLikeEplb = start is not null });
        var milliseconds = clock.Elapsed.TotalMilliseconds;
        var mine = PlanFigures.Of(target, [.. plan.Placement.Select(layer => layer.Select(r => (Gpu(r.Device), r.Expert)).ToArray())], loads.Gpus);
        var eplb = loads.SuitsEplb ? Eplb(target, groups) : null;
        var theirs = eplb is null ? null : PlanFigures.Of(target, Pairs(eplb), loads.Gpus);
        var file = start is null && groups == loads.KeepsGroups;
        return new CaseRun
        {
            Case = loads.Number,
            Kind = loads.Kind,
            Shape = $"{target.Length}x{loads.Experts}+{loads.Replicas - loads.Experts}/{loads.Gpus}",
            Mode = groups ? "groups" : "global",
            From = from,
            For = name,
            BalancednessMean = mine.BalancednessMean,
            BalancednessMin = mine.BalancednessMin,
            SecondCopies = mine.SecondCopies,
            ReplicasUsed = plan.Layers.Max(l => l.ReplicasAfter),
            Moves = plan.Layers.Sum(l => l.Received),
            Milliseconds = milliseconds,
            FileMean = file ? loads.BalancednessMean : null,
            FileMin = file ? loads.BalancednessMin : null,
            FileSeconds = file ? loads.Seconds : null,
            EplbMean = theirs?.BalancednessMean,
            EplbMin = theirs?.BalancednessMin,
            EplbSlotChanges = start is null || eplb is null ? null : start.Zip(eplb, (a, b) => a.Zip(b).Count(s => s.First != s.Second)).Sum(),
            MovesLimit = MovesLimit(from, eplb),
            Unmet = plan.Unmet,
            Slots = slots ? Slots(plan) : null,
        };
    }

    /// <summary>
    /// From EPLB's own placement: where experts traded loads no more than its slot changes, where all loads changed a little a quarter of them
    /// (from 64 experts on).
    /// </summary>
    private double? MovesLimit(string from, int[][]? eplb)
    {
        if (loads.LoadNext is null || eplb is null || loads.Experts < 64
            || (from != "eplb" && !loads.Present!.Zip(Eplb(loads.Load, loads.KeepsGroups), (a, b) => a.AsSpan().SequenceEqual(b)).All(same => same)))
        {
            return null;
        }

        var traded = loads.Load.Zip(loads.LoadNext, (a, b) => a.Order().SequenceEqual(b.Order())).All(same => same);
        if (traded)
        {
            return 1;
        }

        var changes = loads.Load.Zip(loads.LoadNext).SelectMany(l => l.First.Zip(l.Second, (a, b) => Math.Abs(b - a) / Math.Max(a, 1))).ToArray();
        return changes.Count(c => c > 0) > changes.Length / 2 && changes.Average() <= 0.06 ? 0.25 : 1;
    }

    private PlanProblem Problem(bool groups, double[][] target, int[][]? start) => new()
    {
        Devices = [.. Enumerable.Range(0, loads.Gpus).Select(g => new PlanDevice(
            Name(g), string.Create(CultureInfo.InvariantCulture, $"node{g * (long)loads.Nodes / loads.Gpus:0000}"), MaxPerLayer: _perGpu))],
        ReplicasPerLayer = loads.Replicas,
        Groups = groups ? [.. Enumerable.Range(0, loads.Experts).Select(e => (int)(e * (long)loads.Groups / loads.Experts))] : null,
        Layers = [.. target.Select((load, layer) => new PlanLayer(layer, load, start is null ? [] : [.. start[layer]
            .Select((expert, slot) => (Expert: expert, Slot: slot)).Where(s => s.Expert >= 0)
            .Select(s => new PlanReplica(s.Expert, Name(s.Slot / _perGpu)))]))],
    };

    private int[][] Eplb(double[][] target, bool groups) =>
        [.. target.Select(load => Cluster.Planning.Eplb.Rebalance(load, loads.Replicas, groups ? loads.Groups : 1, groups ? loads.Nodes : 1, loads.Gpus))];

    private (int Gpu, int Expert)[][] Pairs(int[][] placed) => [.. placed.Select(layer => layer.Select((expert, slot) => (slot / _perGpu, expert)).ToArray())];

    private int[][] Slots(PlacementPlan plan)
    {
        var all = new int[plan.Placement.Count][];
        for (var layer = 0; layer < all.Length; layer++)
        {
            var (slots, used) = (new int[_perGpu * loads.Gpus], new int[loads.Gpus]);
            Array.Fill(slots, -1);
            foreach (var replica in plan.Placement[layer])
            {
                var gpu = Gpu(replica.Device);
                slots[(gpu * _perGpu) + used[gpu]++] = replica.Expert;
            }

            all[layer] = slots;
        }

        return all;
    }

    private static string Name(int gpu) => string.Create(CultureInfo.InvariantCulture, $"gpu{gpu:0000}");

    private static int Gpu(string name) => int.Parse(name.AsSpan(3), CultureInfo.InvariantCulture);
}
