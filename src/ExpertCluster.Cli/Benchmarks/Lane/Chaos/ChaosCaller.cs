using System.Diagnostics;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>Keeps a window of requests in flight, checks every bit of every answer, and counts what failed and as what.</summary>
internal sealed class ChaosCaller
{
    // After a refusal: a lane that is full or down says so at once.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private static long _ids;

    private readonly TensorLane _lane;
    private readonly NodeId _to;
    private readonly TimeSpan _deadline;
    private readonly int _maxRows;
    private readonly Task[] _workers;
    private readonly ChaosReport _report;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly List<long> _perSecond = [];
    private double _lastAnswer = -1;
    private volatile bool _stopping;

    public ChaosCaller(TensorLane lane, NodeId to, int window, int maxRows, TimeSpan deadline, int seed, ChaosReport report)
    {
        (_lane, _to, _maxRows, _deadline, _report) = (lane, to, maxRows, deadline, report);
        _workers = [.. Enumerable.Range(0, window).Select(i => Task.Run(() => WorkAsync(new Random(seed + (1000 * i)))))];
    }

    /// <summary>Sends nothing more, and waits for what is under way.</summary>
    /// <returns>Within the deadline of every call, or they are said to be unfinished.</returns>
    public async Task StopAsync()
    {
        lock (_report)
        {
            _stopping = true;

            // From the first answer's second, which began before it, to the last whole one.
            var whole = (int)Stopwatch.GetElapsedTime(_started).TotalSeconds;
            var first = _perSecond.FindIndex(n => n > 0);
            _report.FewestPerSecond = first < 0 || whole <= first + 1 ? -1
                : Enumerable.Range(first + 1, whole - first - 1).Min(second => second < _perSecond.Count ? _perSecond[second] : 0);
        }

        try
        {
            await Task.WhenAll(_workers).WaitAsync(_deadline + TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Counted below.
        }

        lock (_report)
        {
            _report.Unfinished += _report.Calls - _report.Answered - _report.Wrong - _report.Failed.Values.Sum();
        }
    }

    private async Task WorkAsync(Random random)
    {
        while (!_stopping)
        {
            var id = (ulong)random.NextInt64() ^ ((ulong)Interlocked.Increment(ref _ids) << 40);
            var rows = 1 << random.Next(0, int.Log2(_maxRows) + 1);
            rows = random.Next((rows / 2) + 1, rows + 1);
            lock (_report)
            {
                _report.Calls++;
            }

            try
            {
                using var result = await Send(id, rows).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                Count(result, id, rows);
            }
            catch (Exception e)
            {
                // Whatever it is: it was reported, and is told at the end by its name.
                Failed(e.GetType().Name);
                await Task.Delay(Pause).ConfigureAwait(false);
            }
        }
    }

    private Task<DispatchResult> Send(ulong id, int rows)
    {
        var buffer = RowBuffer.Rent(rows, ChaosSettings.HiddenSize);
        ChaosPattern.Request(buffer.Memory.Span, id);
        return _lane.DispatchAsync(
            _to, new DispatchFrame(ChaosSettings.Model, 0, 1, _deadline, ChaosSettings.HiddenSize, [new DispatchSegment(default, rows)], buffer),
            CancellationToken.None);
    }

    private void Count(DispatchResult result, ulong id, int rows)
    {
        if (result.Segments[0].Status != SegmentStatus.Done)
        {
            Failed($"segment {result.Segments[0].Status}");
            return;
        }

        var right = result.Rows.Memory.Length == rows * ChaosSettings.HiddenSize && ChaosPattern.IsAnswer(result.Rows.Memory.Span, id);
        lock (_report)
        {
            if (!right)
            {
                _report.Wrong++;
                return;
            }

            _report.Answered++;
            _report.AnsweredBytes += rows * ChaosSettings.HiddenSize * sizeof(float);
            var now = Stopwatch.GetElapsedTime(_started).TotalSeconds;
            for (; _perSecond.Count <= (int)now; _perSecond.Add(0))
            {
            }

            _perSecond[(int)now]++;
            _report.LongestGapMs = _lastAnswer < 0 || _stopping ? _report.LongestGapMs : Math.Max(_report.LongestGapMs, 1000 * (now - _lastAnswer));
            _lastAnswer = now;
        }
    }

    private void Failed(string kind)
    {
        lock (_report)
        {
            _report.Failed[kind] = _report.Failed.GetValueOrDefault(kind) + 1;
        }
    }
}
