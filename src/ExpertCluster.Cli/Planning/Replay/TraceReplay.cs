using System.Globalization;
using ExpertCluster.Cluster.Planning;

namespace ExpertCluster.Cli.Planning.Replay;

/// <summary>
/// Lets policies decide after each interval of a trace by what was measured in it, and counts what the next intervals would have cost. All start with the
/// same placement, made without knowledge of load.
/// </summary>
internal sealed class TraceReplay
{
    /// <summary>Intervals that there must be.</summary>
    public const int LeastIntervals = 4;

    /// <summary>Rows per expert and interval that there must be in the mean: fewer, and counting alone makes 20 % noise.</summary>
    public const double LeastRows = 25;

    private readonly RouterTrace _trace;
    private readonly ReplaySettings _settings;
    private readonly List<double[][]> _intervals = [];
    private readonly int _slots;

    public TraceReplay(RouterTrace trace, ReplaySettings settings)
    {
        (_trace, _settings) = (trace, settings);
        Duration = trace.Lines.Count == 0 ? 0 : trace.Lines.Max(l => l.Time);
        Interval = settings.Interval ?? Duration / 20;
        _slots = settings.SlotsPerLayer ?? (((trace.Experts - 1) / settings.Devices) + 2);
        if ((long)_slots * settings.Devices < trace.Experts)
        {
            throw new InvalidDataException($"--slots-per-layer is {_slots}: {settings.Devices} devices cannot hold the trace's {trace.Experts} experts");
        }

        var byInterval = new SortedDictionary<long, double[][]>();
        foreach (var line in trace.Lines)
        {
            var at = Interval > 0 ? (long)Math.Min(line.Time / Interval, 1e9) : 0;
            if (!byInterval.TryGetValue(at, out var rows))
            {
                byInterval[at] = rows = [.. trace.Layers.Select(_ => new double[trace.Experts])];
            }

            for (var expert = 0; expert < trace.Experts; expert++)
            {
                rows[line.Layer][expert] += line.Rows[expert];
            }
        }

        _intervals.AddRange(byInterval.Values);
        Rows = _intervals.Sum(i => i.Sum(l => l.Sum()));
    }

    /// <summary>Seconds from the start of the recording to its last line.</summary>
    public double Duration { get; }

    public double Interval { get; }

    public int Intervals => _intervals.Count;

    /// <summary>Rows of all layers.</summary>
    public double Rows { get; }

    /// <summary>Rows per expert, layer and interval.</summary>
    public double RowsPerExpert => _intervals.Count == 0 ? 0 : Rows / _intervals.Count / _trace.Layers.Count / _trace.Experts;

    public IReadOnlyList<PolicyOutcome> Run()
    {
        var start = Planner.Plan(Problem([.. _trace.Layers.Select(_ => Enumerable.Repeat(1.0, _trace.Experts).ToArray())], null)).Placement;
        var never = Replay("never", start);
        return [Judge(never, never), .. _settings.Policies.Where(p => p != "never").Select(policy => Judge(Replay(policy, start), never))];
    }

    private PolicyOutcome Replay(string policy, IReadOnlyList<IReadOnlyList<PlanReplica>> placement)
    {
        var (time, mean, moves, rebalances, wanted) = (0.0, 0.0, 0, 0, 0);
        for (var interval = 0; interval < _intervals.Count; interval++)
        {
            var rows = _intervals[interval];
            for (var layer = 0; layer < rows.Length; layer++)
            {
                var busiest = Busiest(rows[layer], placement[layer]);
                time += busiest;
                mean += rows[layer].Sum() / _settings.Devices;
            }

            if (interval + 1 < _intervals.Count && Options(policy) is { } options)
            {
                var plan = Planner.Plan(Problem(rows, placement), options);
                wanted = plan.Steps.Count > 0 ? wanted + 1 : 0;
                if (plan.Steps.Count > 0 && (policy == "eplb" || wanted >= _settings.Confirm))
                {
                    placement = plan.Placement;
                    moves += plan.Moves;
                    rebalances++;
                    wanted = 0;
                }
            }
        }

        var bytes = moves * _trace.ExpertBytes;
        return new PolicyOutcome(
            policy, time > 0 ? mean / time : 1, time, 0, rebalances, moves, bytes, bytes / _settings.LinkBytesPerSecond, "", "");
    }

    private PolicyOutcome Judge(PolicyOutcome outcome, PolicyOutcome never)
    {
        var saved = never.Time > 0 ? 1 - (outcome.Time / never.Time) : 0;
        var seconds = saved * Duration;
        var numbers = string.Create(
            CultureInfo.InvariantCulture,
            $"the busiest device has {saved:P1} less to do, {seconds:0.0} s of {Duration:0.0} s, for {outcome.Moves} copies that take {outcome.TransferSeconds:0.0} s to send");
        var (verdict, reason) = Intervals < LeastIntervals || RowsPerExpert < LeastRows
            ? ("not enough data", string.Create(
                CultureInfo.InvariantCulture,
                $"{Intervals} intervals with {RowsPerExpert:0.0} rows per expert and layer; at least {LeastIntervals} with {LeastRows} are needed"))
            : outcome.Policy == "never" ? ("-", "what the others are compared with")
            : saved < _settings.MinGain ? ("not worth it", numbers + string.Create(CultureInfo.InvariantCulture, $"; less than {_settings.MinGain:P1}"))
            : outcome.TransferSeconds >= seconds ? ("not worth it", numbers + "; that is more than it saves")
            : ("worth it", numbers);
        return outcome with { Saved = saved, Verdict = verdict, Reason = reason };
    }

    private PlannerOptions? Options(string policy)
    {
        var options = new PlannerOptions { MinGain = _settings.MinGain, LinkBytesPerSecond = _settings.LinkBytesPerSecond };
        return policy switch
        {
            "eplb" => options with { Strategy = PlannerStrategy.Eplb },
            "balanced" => options,
            "shadow" => options with { Strategy = PlannerStrategy.Shadow },
            "replicate-top" => options with { Strategy = PlannerStrategy.ReplicateTop },
            _ => null,
        };
    }

    private static double Busiest(double[] rows, IReadOnlyList<PlanReplica> placement)
    {
        var copies = new int[rows.Length];
        foreach (var replica in placement)
        {
            copies[replica.Expert]++;
        }

        var work = new Dictionary<string, double>();
        foreach (var replica in placement)
        {
            work[replica.Device] = work.GetValueOrDefault(replica.Device) + (rows[replica.Expert] / copies[replica.Expert]);
        }

        return work.Values.DefaultIfEmpty(0).Max();
    }

    private PlanProblem Problem(double[][] rows, IReadOnlyList<IReadOnlyList<PlanReplica>>? present) => new()
    {
        Devices = [.. Enumerable.Range(0, _settings.Devices).Select(d => new PlanDevice(
            string.Create(CultureInfo.InvariantCulture, $"device{d:0000}"), "all", MaxPerLayer: _slots))],
        ExpertBytes = _trace.ExpertBytes,
        ReplicasPerLayer = Math.Min(_slots * _settings.Devices, _trace.Experts * _settings.Devices),
        Layers = [.. rows.Select((load, layer) => new PlanLayer(layer, load, present?[layer] ?? []))],
    };
}
