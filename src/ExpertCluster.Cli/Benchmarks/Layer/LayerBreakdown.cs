using System.Diagnostics;
using ExpertCluster.Client;
using static ExpertCluster.Cli.Benchmarks.RoundStatistics;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Where the time of layer calls through the cluster goes: each part's median over all timed calls.</summary>
internal sealed class LayerBreakdown
{
    private readonly List<(TimeSpan Whole, LayerTiming Timing)> _calls = [];
    private LayerTiming? _last;

    /// <summary>Options that make a call tell its parts.</summary>
    public RequestOptions Options => new() { Timed = timing => _last = timing };

    /// <summary>Makes a call and notes what it took.</summary>
    public async Task MeasureAsync(Func<Task> call)
    {
        _last = null;
        var started = Stopwatch.GetTimestamp();
        await call();
        if (_last is { } timing)
        {
            _calls.Add((Stopwatch.GetElapsedTime(started), timing));
        }
    }

    /// <summary>Forgets the calls so far.</summary>
    public void Reset() => _calls.Clear();

    /// <summary>Medians of the parts. They are not of one call, so they add up to the whole only roughly.</summary>
    public Row Medians() => new(
        _calls.Count, Of(c => c.Whole), Of(c => c.Timing.Gate), Of(c => c.Timing.Router), Of(c => c.Timing.Wire), Of(c => c.Timing.Queue),
        Of(c => c.Timing.Compute), Of(c => c.Timing.Combine),
        Of(c => c.Whole - c.Timing.Gate - c.Timing.Router - c.Timing.Wire - c.Timing.Queue - c.Timing.Compute - c.Timing.Combine),
        Of(c => c.Whole - c.Timing.LongestCompute));

    private double Of(Func<(TimeSpan Whole, LayerTiming Timing), TimeSpan> part) =>
        _calls.Count == 0 ? double.NaN : Median(_calls.Select(c => part(c).TotalMicroseconds));

    /// <summary>Medians in microseconds.</summary>
    /// <param name="Calls">How many calls.</param>
    /// <param name="WholeUs">As the client sees it.</param>
    /// <param name="GateUs">The gate at the gateway.</param>
    /// <param name="RouterUs">Grouping and choosing.</param>
    /// <param name="WireUs">To the experts and back.</param>
    /// <param name="QueueUs">Waiting for their device.</param>
    /// <param name="ComputeUs">On it.</param>
    /// <param name="CombineUs">The weighted sum.</param>
    /// <param name="ClientUs">Between client and gateway.</param>
    /// <param name="OverheadUs">The whole minus the longest any device computed experts.</param>
    internal sealed record Row(
        int Calls, double WholeUs, double GateUs, double RouterUs, double WireUs, double QueueUs, double ComputeUs, double CombineUs,
        double ClientUs, double OverheadUs);
}
