using Akka.Actor;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;
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

    /// <summary>Whether it was taken and is not over.</summary>
    public bool IsOpen => Expert is not null && _result is null;

    /// <summary>What became of it.</summary>
    public SegmentResult Result => _result ?? new SegmentResult(SegmentStatus.Failed, 0, "It was not answered.");

    /// <summary>Element type of its rows and answers.</summary>
    public RowType Type => frame.Frame.Rows.Type;

    /// <summary>Its rows, where they are float32.</summary>
    public ReadOnlyMemory<float> Input => frame.Frame.Rows.Memory.Slice(First, Length);

    /// <summary>Where its answers go, where they are float32.</summary>
    public Memory<float> Output => frame.Output.Memory.Slice(First, Length);

    private int First => firstRow * frame.Frame.HiddenSize;

    private int Length => rows * frame.Frame.HiddenSize;

    /// <summary>The segment as an <see cref="ExpertBatchRunner"/> takes it; rows and answers lie where the lane reads and writes them.</summary>
    public ExpertSegment For(IExpertNetwork network) => Type == RowType.BFloat16
        ? new ExpertSegment(network, frame.Frame.Rows.Halves.Slice(First, Length), rows, frame.Output.Halves.Slice(First, Length))
        : new ExpertSegment(network, Input, rows, Output);

    /// <summary>Its actor has taken it, if it fits and there is room.</summary>
    public void Accept(HostedExpert expert)
    {
        if (expert.HiddenSize != frame.Frame.HiddenSize)
        {
            // A sender that knows another checkpoint by this model's name.
            Refuse(new SegmentResult(SegmentStatus.Failed, expert.Credits, $"its rows have {frame.Frame.HiddenSize} values, {expert.Replica} of "
                + $"{frame.Frame.Model} takes {expert.HiddenSize}: do sender and node have the same checkpoint?"));
            return;
        }

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
