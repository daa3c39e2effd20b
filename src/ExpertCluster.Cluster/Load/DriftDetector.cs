using System.Globalization;
using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Cluster.Load;

/// <summary>
/// Says when the load of a layer has moved so far from what its placement was planned for that a new plan may pay. It fires after enough looks in a row,
/// outside the cool-down, where a placement could be better by the least gain. After it fired it is satisfied until the load moves on, was calm, or
/// somebody says that a plan was carried out.
/// </summary>
public sealed class DriftDetector(RebalanceOptions options, TimeProvider time)
{
    private readonly Dictionary<(string Model, int Layer), Watch> _watches = [];

    /// <summary>Looks at a layer.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="layer">Model layer.</param>
    /// <param name="demand">Rows by expert, as <see cref="LoadBook.Demand(string, int)"/> has them.</param>
    /// <param name="balancedness">Balancedness as placed.</param>
    /// <param name="bound">Balancedness that no placement passes, see <see cref="LayerBalance.Bound"/>.</param>
    /// <param name="nodes">Nodes that share the layer.</param>
    public DriftVerdict Evaluate(string model, int layer, ReadOnlySpan<double> demand, double balancedness, double bound = 1, int nodes = 1)
    {
        var watch = Of(model, layer);
        var tokens = Sum(demand);
        var distance = Distance(watch, demand, tokens);
        if (tokens < options.MinTokens)
        {
            return Verdict(watch, DriftState.NotEnoughData, $"{tokens:0} rows in the window, {options.MinTokens} are needed");
        }

        if (watch.Planned is { } planned && time.GetUtcNow() - planned < options.CoolDown)
        {
            return Verdict(watch, DriftState.CoolingDown, $"planned {(time.GetUtcNow() - planned).TotalSeconds:0} s ago, the cool-down is {options.CoolDown.TotalSeconds:0} s");
        }

        watch.Armed |= balancedness >= options.RearmBalancedness && distance <= options.RearmDistance;
        var isLow = watch.Armed && balancedness < options.TriggerBalancedness - BalanceNoise(tokens, nodes);
        if (!isLow && distance <= options.TriggerDistance)
        {
            return Verdict(watch, DriftState.Quiet, $"balancedness {balancedness:0.000}, distance {distance:0.000}{(watch.Armed ? "" : ", planned for before")}");
        }

        var why = isLow
            ? $"balancedness {balancedness:0.000} is below {options.TriggerBalancedness}"
            : $"the load is {distance:0.000} from the one planned for, above {options.TriggerDistance}";
        if (bound - balancedness < options.MinGain)
        {
            return Verdict(watch, DriftState.NothingToGain, $"{why}, and no placement passes {bound:0.000}");
        }

        watch.Streak++;
        if (watch.Streak < options.Confirmations)
        {
            return Verdict(watch, DriftState.Confirming, $"{why}, seen {watch.Streak} of {options.Confirmations} times");
        }

        var fires = Verdict(watch, DriftState.Fires, $"{why}, seen {watch.Streak} times");
        Satisfy(watch, demand);
        watch.Armed = false;
        return fires;

        DriftVerdict Verdict(Watch watch, DriftState state, FormattableString reason)
        {
            var streak = state is DriftState.Confirming or DriftState.Fires ? watch.Streak : watch.Streak = 0;
            return new DriftVerdict(state, streak, balancedness, bound, distance, tokens, reason.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>A placement for this load is in force: distances count from it, and the cool-down begins.</summary>
    public void Planned(string model, int layer, ReadOnlySpan<double> demand)
    {
        var watch = Of(model, layer);
        Satisfy(watch, demand);
        watch.Armed = true;
    }

    /// <summary>Something else changed, such as the nodes there are: what was planned for before may be worth a plan now.</summary>
    public void Rearm(string model, int layer) => Of(model, layer).Armed = true;

    /// <summary>
    /// What balancedness loses by chance: each of N nodes gets n/N rows give or take √(n/N), and the largest of N such numbers lies about √(2 ln N) deviations
    /// above the mean.
    /// </summary>
    public static double BalanceNoise(double tokens, int nodes) =>
        nodes < 2 ? 0 : 1 - (1 / (1 + Math.Sqrt(nodes / tokens * 2 * Math.Log(nodes))));

    /// <summary>
    /// Total variation between two loads, 0 to 1, less what is to be expected between two samples of the same load:
    /// ½ Σ √(2 p (1 − p) (1/n + 1/m) / π).
    /// </summary>
    public static double Distance(ReadOnlySpan<double> load, ReadOnlySpan<double> other, double otherTokens = double.PositiveInfinity)
    {
        var (tokens, sum) = (Sum(load), Sum(other));
        if (tokens <= 0 || sum <= 0)
        {
            return 0;
        }

        var (distance, noise) = (0d, 0d);
        for (var i = 0; i < load.Length; i++)
        {
            var (p, q) = (load[i] / tokens, other[i] / sum);
            distance += Math.Abs(p - q) / 2;
            noise += Math.Sqrt(2 * p * (1 - p) * ((1 / tokens) + (1 / otherTokens)) / Math.PI) / 2;
        }

        return Math.Clamp(distance - noise, 0, 1);
    }

    private static double Sum(ReadOnlySpan<double> values)
    {
        var sum = 0d;
        foreach (var value in values)
        {
            sum += value;
        }

        return sum;
    }

    /// <summary>Before any plan for a measured load, placements are planned for an even one.</summary>
    private static double Distance(Watch watch, ReadOnlySpan<double> demand, double tokens)
    {
        if (tokens <= 0 || (watch.Reference is not null && watch.Reference.Length != demand.Length))
        {
            return 0;
        }

        var even = watch.Reference is null ? new double[demand.Length] : null;
        even?.AsSpan().Fill(1);
        return Distance(demand, even ?? watch.Reference!, even is null ? Sum(watch.Reference!) : double.PositiveInfinity);
    }

    private Watch Of(string model, int layer) =>
        _watches.TryGetValue((model, layer), out var watch) ? watch : _watches[(model, layer)] = new Watch();

    private void Satisfy(Watch watch, ReadOnlySpan<double> demand)
    {
        watch.Reference = Sum(demand) > 0 ? demand.ToArray() : watch.Reference;
        watch.Planned = time.GetUtcNow();
        watch.Streak = 0;
    }

    private sealed class Watch
    {
        public double[]? Reference { get; set; }

        public DateTimeOffset? Planned { get; set; }

        public int Streak { get; set; }

        public bool Armed { get; set; } = true;
    }
}
