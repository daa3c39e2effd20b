using static TorchSharp.torch;

namespace ExpertCluster.Moe;

/// <summary>
/// Rows for one expert in .NET memory, and where its answers go: input of <see cref="ExpertBatchRunner"/>. Both lie in one element type,
/// float32 or bfloat16 (bit patterns in <see cref="ushort"/>), whatever type the expert computes in.
/// </summary>
public readonly struct ExpertSegment
{
    private readonly ReadOnlyMemory<float> _rows;
    private readonly Memory<float> _output;
    private readonly ReadOnlyMemory<ushort> _halfRows;
    private readonly Memory<ushort> _halfOutput;

    /// <summary>A segment of float32 rows.</summary>
    /// <param name="network">The expert.</param>
    /// <param name="rows">Float32 [count,H], row-major; read only while the batch runs.</param>
    /// <param name="count">Number of rows; with 0 nothing is computed.</param>
    /// <param name="output">Receives float32 [count,H]; may not overlap any rows of the batch.</param>
    /// <exception cref="ArgumentException"><paramref name="rows"/> or <paramref name="output"/> is too short.</exception>
    public ExpertSegment(IExpertNetwork network, ReadOnlyMemory<float> rows, int count, Memory<float> output)
        : this(network, rows.Length, count, output.Length)
    {
        _rows = rows[..Values];
        _output = output[..Values];
        Type = ScalarType.Float32;
    }

    /// <summary>A segment of bfloat16 rows.</summary>
    /// <param name="network">The expert.</param>
    /// <param name="rows">Bit patterns of bfloat16 [count,H], row-major; read only while the batch runs.</param>
    /// <param name="count">Number of rows; with 0 nothing is computed.</param>
    /// <param name="output">Receives bit patterns of bfloat16 [count,H]; may not overlap any rows of the batch.</param>
    /// <exception cref="ArgumentException"><paramref name="rows"/> or <paramref name="output"/> is too short.</exception>
    public ExpertSegment(IExpertNetwork network, ReadOnlyMemory<ushort> rows, int count, Memory<ushort> output)
        : this(network, rows.Length, count, output.Length)
    {
        _halfRows = rows[..Values];
        _halfOutput = output[..Values];
        Type = ScalarType.BFloat16;
    }

    private ExpertSegment(IExpertNetwork network, int rows, int count, int output)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        long values = (long)count * network.HiddenSize;
        if (rows < values || output < values)
        {
            throw new ArgumentException($"{rows} values in and {output} out are too few for {count} rows of {network.HiddenSize}.", nameof(rows));
        }

        Network = network;
        Count = count;
    }

    /// <summary>The expert.</summary>
    public IExpertNetwork Network { get; }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>Element type of rows and answers: float32 or bfloat16.</summary>
    public ScalarType Type { get; }

    internal ReadOnlyMemory<float> Rows => _rows;

    internal Memory<float> Output => _output;

    internal ReadOnlySpan<ushort> HalfRows => _halfRows.Span;

    internal Span<ushort> HalfOutput => _halfOutput.Span;

    private int Values => Count * Network.HiddenSize;
}
