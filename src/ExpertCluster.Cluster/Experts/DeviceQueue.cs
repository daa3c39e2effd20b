using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Tensors;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Experts;

/// <summary>
/// Frames that wait for the device. The most urgent goes first – by deadline, or by age where that is nearer – and takes with it what else
/// waits for the same layer: rows of several requests for one expert become one product, since reading its weights is most of the cost.
/// </summary>
internal sealed class DeviceQueue : IDisposable
{
    private readonly DeviceExecutor _executor;
    private readonly int _maxRows;
    private readonly Func<TimeSpan> _clock;
    private readonly Lock _gate = new();
    private readonly List<FrameWork> _waiting = [];
    private readonly SegmentBatch _batch;
    private readonly WorkLedger? _work;
    private TimeSpan? _posted;

    public DeviceQueue(DeviceExecutor executor, ExpertHostOptions options, Func<TimeSpan> clock, ILogger log, WorkLedger? work = null)
    {
        (_executor, _maxRows, _clock, _work) = (executor, options.MaxFusedRows, clock, work);
        _batch = new SegmentBatch(executor.TorchDevice, log);
    }

    /// <summary>Frames that wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Takes a frame with at least one segment to be computed.</summary>
    public void Add(FrameWork frame)
    {
        frame.Arrived = _clock();
        var latest = frame.Arrived + _executor.Patience;
        frame.Due = frame.Expires < latest ? frame.Expires : latest;
        lock (_gate)
        {
            _waiting.Add(frame);
            if (_posted <= frame.Due)
            {
                return;
            }

            _posted = frame.Due;
        }

        Post(frame.Due);
    }

    /// <summary>Frees what it computes with, on the executor's thread.</summary>
    public void Dispose() => _executor.Free(_batch.Dispose);

    /// <summary>On the executor's thread.</summary>
    private void Run()
    {
        List<FrameWork> frames;
        TimeSpan? next;
        lock (_gate)
        {
            frames = Take();
            next = _waiting.Count == 0 ? null : _waiting.Min(frame => frame.Due);
            _posted = next;
        }

        if (next is { } due)
        {
            // Now, that it keeps its place among whatever else the executor has to do.
            Post(due);
        }

        if (frames.Count > 0)
        {
            Compute(frames);
        }
    }

    /// <summary>The most urgent frame and, by urgency, others of its layer. Inside the gate.</summary>
    private List<FrameWork> Take()
    {
        if (_waiting.Count <= 1)
        {
            List<FrameWork> all = [.. _waiting];
            _waiting.Clear();
            return all;
        }

        var first = _waiting.MinBy(frame => frame.Due)!;
        List<FrameWork> taken = [];
        var rows = 0;
        foreach (var frame in _waiting.Where(f => SameLayer(f, first)).OrderBy(f => f.Due))
        {
            if (taken.Count > 0 && rows + frame.Rows > _maxRows)
            {
                break;
            }

            taken.Add(frame);
            rows += frame.Rows;
        }

        _waiting.RemoveAll(taken.Contains);
        return taken;
    }

    private static bool SameLayer(FrameWork one, FrameWork other) =>
        one.Frame.Layer == other.Frame.Layer && one.Frame.Model == other.Frame.Model;

    private void Compute(List<FrameWork> frames)
    {
        var started = _clock();
        foreach (var frame in frames.Where(frame => started >= frame.Expires))
        {
            End(frame, SegmentStatus.Expired, null);
            frame.Answer(TimeSpan.Zero, started - frame.Arrived);
        }

        frames.RemoveAll(frame => started >= frame.Expires);
        if (frames.Count == 0)
        {
            return;
        }

        _batch.Run(frames);
        var ended = _clock();
        _work?.Count(frames, started, ended);
        var rows = frames.Sum(frame => frame.Rows);
        foreach (var frame in frames)
        {
            var share = (ended - started) * ((double)frame.Rows / rows);
            frame.Answer(share, ended - frame.Arrived - share);
        }
    }

    private void Post(TimeSpan due)
    {
        try
        {
            var remaining = due - _clock();
            _executor.Post(Run, remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero);
        }
        catch (Exception e) when (e is ExecutorQueueFullException or ObjectDisposedException)
        {
            Refuse(e.Message);
        }
    }

    /// <summary>The executor takes nothing more: whoever sent what waits tries elsewhere or again.</summary>
    private void Refuse(string reason)
    {
        List<FrameWork> refused;
        lock (_gate)
        {
            refused = [.. _waiting];
            _waiting.Clear();
            _posted = null;
        }

        foreach (var frame in refused)
        {
            End(frame, SegmentStatus.Busy, reason);
            frame.Answer(TimeSpan.Zero, TimeSpan.Zero);
        }
    }

    private static void End(FrameWork frame, SegmentStatus status, string? detail)
    {
        foreach (var segment in frame.Segments.Where(segment => segment.Expert is not null))
        {
            segment.End(status, detail);
        }
    }
}
