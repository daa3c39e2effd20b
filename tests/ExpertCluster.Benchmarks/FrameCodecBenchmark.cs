using BenchmarkDotNet.Attributes;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Benchmarks;

/// <summary>A frame of rows to the experts of one node, and back from its bytes.</summary>
[MemoryDiagnoser]
public class FrameCodecBenchmark
{
    private const int Hidden = 1024;
    private const int Experts = 4;

    private DispatchFrame _frame = null!;
    private byte[] _bytes = [];

    /// <summary>Rows of the frame, spread over its experts.</summary>
    [Params(4, 64, 1024)]
    public int Rows { get; set; }

    /// <summary>Makes the frame.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var rows = RowBuffer.Rent(Rows, Hidden);
        rows.Memory.Span.Fill(0.5f);
        var segments = Enumerable.Range(0, Experts).Select(e => new DispatchSegment(new ReplicaId(2, e, 0), Rows / Experts)).ToArray();
        _frame = new DispatchFrame("folio-moe", 2, 7, TimeSpan.FromSeconds(30), Hidden, segments, rows);
        _bytes = FrameCodec.Write(_frame);
    }

    /// <summary>To bytes.</summary>
    [Benchmark]
    public byte[] Write() => FrameCodec.Write(_frame);

    /// <summary>From bytes; the buffer goes back to its pool.</summary>
    [Benchmark]
    public int Read()
    {
        using var frame = FrameCodec.ReadFrame(_bytes);
        return frame.Segments.Count;
    }
}
