using Akka.Actor;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Experts;

/// <summary>One segment of a frame, on its way to its expert actor and from there to the device. Stays inside the process.</summary>
internal sealed class SegmentWork(FrameWork frame, int index, int firstRow, int rows) : INoSerializationVerificationNeeded
{
    private SegmentResult? _result;

    public FrameWork Frame => frame;

    public int Rows => rows;

    /// <summary>Whom it is for.</summary>
    public ReplicaId Replica => frame.Frame.Segments[index].Replica;

    /// <summary>Who computes it; null where it was refused.</summary>
    public HostedExpert? Expert { get; private set; }

    /// <summary>What became of it.</summary>
    public SegmentResult Result => _result ?? new SegmentResult(SegmentStatus.Failed, 0, "It was not answered.");

    public ReadOnlyMemory<float> Input => frame.Frame.Rows.Memory.Slice(firstRow * frame.Frame.HiddenSize, rows * frame.Frame.HiddenSize);

    public Memory<float> Output => frame.Output.Memory.Slice(firstRow * frame.Frame.HiddenSize, rows * frame.Frame.HiddenSize);

    /// <summary>Its actor has taken it, if there is room.</summary>
    public void Accept(HostedExpert expert)
    {
        if (!expert.TryQueue(rows))
        {
            Refuse(new SegmentResult(SegmentStatus.Busy, expert.Credits));
            return;
        }

        Expert = expert;
        frame.Settled();
    }

    /// <summary>It will not be computed here.</summary>
    public void Refuse(SegmentResult result)
    {
        _result = result;
        frame.Settled();
    }

    /// <summary>It was computed, or could not be. On the executor's thread, or where nothing computes any more.</summary>
    public void End(SegmentStatus status, string? detail = null)
    {
        Expert!.Leave(rows);
        _result = new SegmentResult(status, Expert.Credits, detail);
    }
}
