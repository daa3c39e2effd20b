using Akka.Actor;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Experts;

/// <summary>One segment of a frame, on its way to its expert actor. Stays inside the process.</summary>
internal sealed record SegmentWork(FrameWork Frame, int Index, int FirstRow, int Rows, TimeSpan Expires) : INoSerializationVerificationNeeded
{
    public ReadOnlyMemory<float> Input => Frame.Frame.Rows.Memory.Slice(FirstRow * Frame.Frame.HiddenSize, Rows * Frame.Frame.HiddenSize);

    public Memory<float> Output => Frame.Output.Memory.Slice(FirstRow * Frame.Frame.HiddenSize, Rows * Frame.Frame.HiddenSize);

    public void Complete(SegmentResult result, long microseconds = 0) => Frame.Complete(Index, result, microseconds);
}
