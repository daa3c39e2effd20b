using ExpertCluster.Moe;
using static TorchSharp.torch;

namespace ExpertCluster.Cluster.Experts;

/// <summary>Rows of several requests for one expert, copied together for one product. Used by one executor's thread.</summary>
internal sealed class FusedRows
{
    private float[] _input = [];
    private float[] _output = [];

    /// <summary>Computes all segments of a network.</summary>
    public void Run(IExpertNetwork network, IReadOnlyList<SegmentWork> segments, Device device)
    {
        var rows = segments.Sum(segment => segment.Rows);
        var length = rows * network.HiddenSize;
        if (_input.Length < length)
        {
            _input = GC.AllocateUninitializedArray<float>(length);
            _output = GC.AllocateUninitializedArray<float>(length);
        }

        var at = 0;
        foreach (var segment in segments)
        {
            segment.Input.Span.CopyTo(_input.AsSpan(at));
            at += segment.Input.Length;
        }

        ExpertNetworkRunner.Run(network, _input.AsMemory(0, length), rows, _output.AsMemory(0, length), device);
        at = 0;
        foreach (var segment in segments)
        {
            _output.AsSpan(at, segment.Output.Length).CopyTo(segment.Output.Span);
            at += segment.Output.Length;
        }
    }
}
