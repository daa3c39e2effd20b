using ExpertCluster.Cli.Drills.Traffic;

namespace ExpertCluster.Cli.Drills.View;

/// <summary>Looks at the cluster again and again while the drill runs, and keeps what it saw.</summary>
internal sealed class ClusterWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly IClusterView _view;
    private readonly DrillClock _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<ClusterSnapshot> _seen = [];
    private readonly Task _running;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ClusterWatch(IClusterView view, DrillClock clock)
    {
        (_view, _clock) = (view, clock);
        _running = RunAsync();
    }

    /// <summary>Experts of the model.</summary>
    public int Experts => _view.Experts;

    /// <summary>All snapshots, in order.</summary>
    public IReadOnlyList<ClusterSnapshot> Seen
    {
        get
        {
            lock (_gate)
            {
                return [.. _seen];
            }
        }
    }

    /// <summary>The first snapshot after now that a condition holds for.</summary>
    /// <exception cref="TimeoutException">None did within the time; the message says what was waited for.</exception>
    public async Task<ClusterSnapshot> UntilAsync(
        Func<ClusterSnapshot, bool> condition, string what, TimeSpan patience, CancellationToken cancellationToken)
    {
        var deadline = _clock.Now + patience.TotalSeconds;
        var from = _clock.Now;
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (_seen.Count > 0 && _seen[^1] is var last && last.At >= from && condition(last))
                {
                    return last;
                }

                next = _next.Task;
            }

            var left = deadline - _clock.Now;
            if (left <= 0 || await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(left), cancellationToken)) != next)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new TimeoutException($"Waited {patience.TotalSeconds:0} s in vain until {what}.");
            }
        }
    }

    /// <summary>Waits until these nodes are members, and every expert has its copies on members.</summary>
    public Task<ClusterSnapshot> CoveredAsync(int copies, IEnumerable<string> members, TimeSpan patience, CancellationToken cancellationToken)
    {
        var wanted = members.ToHashSet();
        return UntilAsync(
            s => wanted.All(s.Members.Contains) && s.ReadyReplicas >= copies * Experts, $"{wanted.Count} nodes are members and all experts ready",
            patience, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (await _view.LookAsync(_stop.Token) is { } snapshot)
                {
                    TaskCompletionSource next;
                    lock (_gate)
                    {
                        _seen.Add(snapshot);
                        (next, _next) = (_next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
                    }

                    next.TrySetResult();
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (ObjectDisposedException)
        {
            // The client was closed first.
        }
    }
}
