using Akka.Actor;
using ExpertCluster.Contracts;
using ExpertCluster.Moe;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Experts;

/// <summary>One segment of a frame, on its way to its expert actor. Stays inside the process.</summary>
internal sealed record SegmentWork(FrameWork Frame, int Index, int FirstRow, int Rows, TimeSpan Expires) : INoSerializationVerificationNeeded
{
    /// <summary>The segment as an <see cref="ExpertBatchRunner"/> takes it; rows and answers lie where the lane reads and writes them.</summary>
    public ExpertSegment For(IExpertNetwork network)
    {
        var (rows, output, hidden) = (Frame.Frame.Rows, Frame.Output, Frame.Frame.HiddenSize);
        var (start, length) = (FirstRow * hidden, Rows * hidden);
        return rows.Type == RowType.BFloat16
            ? new ExpertSegment(network, rows.Halves.Slice(start, length), Rows, output.Halves.Slice(start, length))
            : new ExpertSegment(network, rows.Memory.Slice(start, length), Rows, output.Memory.Slice(start, length));
    }

    public void Complete(SegmentResult result, long microseconds = 0) => Frame.Complete(Index, result, microseconds);
}
