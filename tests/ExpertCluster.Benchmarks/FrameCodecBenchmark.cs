using System.Buffers;
using BenchmarkDotNet.Attributes;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Benchmarks;

/// <summary>The header of a frame of rows to the experts of one node, and back from its bytes; the rows themselves are never copied by it.</summary>
[MemoryDiagnoser]
public class FrameCodecBenchmark
{
    private const int Hidden = 1024;
    private const int Experts = 4;

    private DispatchFrame _frame = null!;
    private byte[] _header = [];
    private long _bodyBytes;
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);

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
        Write();
        _header = _buffer.WrittenSpan.ToArray();
        _bodyBytes = (long)rows.Memory.Length * sizeof(float);
    }

    /// <summary>To bytes.</summary>
    [Benchmark]
    public int Write()
    {
        _buffer.ResetWrittenCount();
        FrameCodec.Write(_frame, _buffer);
        return _buffer.WrittenCount;
    }

    /// <summary>From bytes; room for the rows is rented and goes back to its pool.</summary>
    [Benchmark]
    public int Read()
    {
        using var frame = FrameCodec.ReadFrame(_header, _bodyBytes, _frame.Model);
        return frame.Segments.Count;
    }
}
