using ExpertCluster.Contracts;
using ExpertCluster.Moe;
using ExpertCluster.Transport;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace ExpertCluster.Cluster.Experts;

/// <summary>
/// Computes segments that go to the device together and ends each of them. Rows of several frames for one expert are copied together on the
/// CPU; elsewhere the runner does that on their way to the device. Used by one executor's thread.
/// </summary>
internal sealed class SegmentBatch(torch.Device device, ILogger log) : IDisposable
{
    private readonly ExpertBatchRunner _runner = new(device);
    private readonly bool _joins = device.type == DeviceType.CPU;
    private readonly List<SegmentWork[]> _groups = [];
    private float[] _input = [];
    private float[] _output = [];

    /// <summary>Computes what was taken of one frame or several of one layer. Never throws: a fault is told to those who wait.</summary>
    public void Run(IReadOnlyList<FrameWork> frames)
    {
        _groups.Clear();
        try
        {
            Compute(frames);
        }
        catch (Exception e)
        {
            // Not of one expert – those are caught one by one – but of the whole batch, such as too little memory to copy rows together.
            ExpertLog.BatchFailed(log, e, frames[0].Frame.Model, frames[0].Frame.Layer, frames.Sum(frame => frame.Rows));
            foreach (var segment in frames.SelectMany(frame => frame.Segments).Where(segment => segment.IsOpen))
            {
                segment.End(SegmentStatus.Failed, e.Message);
            }
        }
    }

    public void Dispose() => _runner.Dispose();

    private void Compute(IReadOnlyList<FrameWork> frames)
    {
        Group(frames);
        var segments = new ExpertSegment[_groups.Count];
        var at = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = _groups[i] is [var single] ? single.For(single.Expert!.Network!) : Joined(_groups[i], ref at);
        }

        var failures = new Exception?[segments.Length];
        _runner.Run(segments, failures);
        at = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            End(_groups[i], failures[i], ref at);
        }
    }

    private void Group(IReadOnlyList<FrameWork> frames)
    {
        var here = frames.SelectMany(frame => frame.Segments).Where(IsHere);
        if (frames.Count == 1 || !_joins || frames.Any(frame => frame.Frame.Rows.Type != RowType.Float32))
        {
            _groups.AddRange(here.Select(segment => new[] { segment }));
            return;
        }

        _groups.AddRange(here.GroupBy(segment => segment.Expert!).OrderBy(group => group.Key.Replica.Expert).Select(group => group.ToArray()));
        var values = _groups.Where(group => group.Length > 1).Sum(group => group.Sum(segment => segment.Input.Length));
        if (_input.Length < values)
        {
            _input = GC.AllocateUninitializedArray<float>(values);
            _output = GC.AllocateUninitializedArray<float>(values);
        }
    }

    /// <summary>Whether a segment can be computed; one whose replica was freed meanwhile is answered "not here".</summary>
    private static bool IsHere(SegmentWork segment)
    {
        if (segment.Expert is { Network: null })
        {
            segment.End(SegmentStatus.NotHere);
        }

        return segment.Expert is { Network: not null };
    }

    private ExpertSegment Joined(SegmentWork[] group, ref int at)
    {
        var (start, rows) = (at, 0);
        foreach (var segment in group)
        {
            segment.Input.Span.CopyTo(_input.AsSpan(at));
            at += segment.Input.Length;
            rows += segment.Rows;
        }

        return new ExpertSegment(group[0].Expert!.Network!, _input.AsMemory(start, at - start), rows, _output.AsMemory(start, at - start));
    }

    private void End(SegmentWork[] group, Exception? failure, ref int at)
    {
        if (failure is not null)
        {
            ExpertLog.SegmentFailed(log, failure, group[0].Frame.Frame.Model, group[0].Expert!.Replica, group.Sum(segment => segment.Rows));
        }

        foreach (var segment in group)
        {
            if (group.Length > 1)
            {
                _output.AsSpan(at, segment.Output.Length).CopyTo(segment.Output.Span);
                at += segment.Output.Length;
            }

            segment.End(failure is null ? SegmentStatus.Done : SegmentStatus.Failed, failure?.Message);
        }
    }
}
