using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Routing;

/// <summary>
/// Decides whether rows go to a node now or wait for company. A node that has few of this router's frames gets them at once; one that is
/// behind gets them together with whatever else comes until it answers – but no row waits longer than the window, or than a tenth of the time
/// it has left.
/// </summary>
/// <param name="options">Limits.</param>
/// <param name="time">Clock.</param>
/// <param name="release">Called when rows that were held have to go; from a thread of the clock's.</param>
internal sealed class BatchWindow(RouterOptions options, TimeProvider time, Action release) : IDisposable
{
    private const int ShareOfDeadline = 10;
    private readonly Dictionary<NodeId, int> _inFlight = [];

    private DateTimeOffset? _next;
    private ITimer? _timer;

    /// <summary>Whether a node has as many frames of this router as it should.</summary>
    public bool IsBehind(NodeId node) => _inFlight.GetValueOrDefault(node) >= options.FramesInFlight;

    /// <summary>Begins to look at what waits.</summary>
    public void Begin() => _next = null;

    /// <summary>Whether a segment for a node waits.</summary>
    public bool Holds(NodeId node, RouteWork work, DateTimeOffset now)
    {
        if (!IsBehind(node))
        {
            return false;
        }

        var share = (work.Deadline - work.Accepted) / ShareOfDeadline;
        var until = work.Accepted + (share < options.BatchWindow ? share : options.BatchWindow);
        if (until <= now)
        {
            return false;
        }

        _next = until < _next || _next is null ? until : _next;
        return true;
    }

    /// <summary>All that waits was looked at: the first of those held is looked at again in time. The actor system's ticks are coarser.</summary>
    public void End(DateTimeOffset now)
    {
        if (_next is { } next)
        {
            _timer ??= time.CreateTimer(_ => release(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(next - now, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>A frame is on its way.</summary>
    public void Sent(NodeId node) => _inFlight[node] = _inFlight.GetValueOrDefault(node) + 1;

    /// <summary>A frame was answered or lost.</summary>
    public void Ended(NodeId node)
    {
        if (_inFlight.Remove(node, out var count) && count > 1)
        {
            _inFlight[node] = count - 1;
        }
    }

    public void Dispose() => _timer?.Dispose();
}
