using ExpertCluster.Cluster.Experts;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Load;

/// <summary>Counts what a device does for each replica. The device's thread counts, and allocates only for a replica's first rows.</summary>
internal sealed class WorkLedger
{
    private readonly Lock _gate = new();
    private readonly List<ReplicaCounters> _replicas = [];
    private readonly HashSet<HostedExpert> _together = [];
    private readonly BatchCounters _batches = new();
    private long _busyTicks;

    /// <summary>How long the device has computed for experts.</summary>
    public TimeSpan Busy => new(Volatile.Read(ref _busyTicks));

    /// <summary>Frames were computed together. Their time is shared by rows; what failed is not counted.</summary>
    /// <param name="frames">The frames.</param>
    /// <param name="started">When the device took them, on the host's clock.</param>
    /// <param name="ended">When it was done.</param>
    public void Count(List<FrameWork> frames, TimeSpan started, TimeSpan ended)
    {
        var computed = ended - started;
        Volatile.Write(ref _busyTicks, _busyTicks + computed.Ticks);
        var rows = 0;
        var failed = false;
        _together.Clear();
        foreach (var frame in frames)
        {
            for (var i = 0; i < frame.Segments.Count; i++)
            {
                if (frame.Segments[i] is var segment && IsDone(segment))
                {
                    rows += segment.Rows;
                    _together.Add(segment.Expert!);
                }

                failed |= segment.Expert is not null && segment.Result.Status == SegmentStatus.Failed;
            }
        }

        if (rows > 0 && !failed)
        {
            // The time of a batch of which a part failed is not that of the rest.
            _batches.Add(frames[0].Frame.Model, _together.Count, rows, computed);
        }

        _together.Clear();
        foreach (var frame in frames)
        {
            var rowBytes = 2L * frame.Frame.HiddenSize * frame.Frame.Rows.Type.Size();
            for (var i = 0; i < frame.Segments.Count; i++)
            {
                if (frame.Segments[i] is var segment && IsDone(segment))
                {
                    var counters = segment.Expert!.Counters ??= Open(frame.Frame.Model, segment.Expert);
                    counters.Add(segment.Rows, computed * ((double)segment.Rows / rows), started - frame.Arrived, segment.Rows * rowBytes);
                }
            }
        }
    }

    /// <summary>What each replica did since the last call, by model; nothing of those that did nothing.</summary>
    public IEnumerable<(string Model, ReplicaWork Work)> Take()
    {
        List<(string, ReplicaWork)> taken = [];
        lock (_gate)
        {
            foreach (var counters in _replicas)
            {
                var (total, last) = (counters.Total, counters.Reported);
                if (total.Rows > last.Rows)
                {
                    counters.Reported = total;
                    taken.Add((counters.Model, new ReplicaWork(
                        total.Replica, total.Rows - last.Rows, total.ComputeMicroseconds - last.ComputeMicroseconds,
                        total.QueueMicroseconds - last.QueueMicroseconds, total.Bytes - last.Bytes)));
                }
            }

            _replicas.RemoveAll(counters => counters.IsOver && counters.Total.Rows == counters.Reported.Rows);
        }

        return taken;
    }

    /// <summary>What was computed since the last call, by model and kind of batch.</summary>
    public ILookup<string, BatchWork> TakeBatches() => _batches.Take();

    private static bool IsDone(SegmentWork segment) => segment.Expert is not null && segment.Result.Status == SegmentStatus.Done;

    private ReplicaCounters Open(string model, HostedExpert expert)
    {
        var counters = new ReplicaCounters(model, expert);
        lock (_gate)
        {
            _replicas.Add(counters);
        }

        return counters;
    }
}
