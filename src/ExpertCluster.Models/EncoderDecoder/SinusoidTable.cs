using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>
/// The sinusoidal positions of M2M-100 (Fan et al. 2020, arXiv:2010.11125): first all sines, then all cosines, frequencies from 1 down to
/// 1/10000 in equal ratios; a row of zeros for padding. Computed in float32 as Hugging Face does.
/// </summary>
/// <param name="width">H.</param>
/// <param name="padding">Row that is zero; the first token stands in the row after it.</param>
/// <param name="device">Where the table goes.</param>
internal sealed class SinusoidTable(int width, int padding, Device device) : IDisposable
{
    private const int FirstLength = 512;
    private int _length;
    private Tensor? _table;

    /// <summary>The rows of some positions, [count,H]; the caller disposes it.</summary>
    public Tensor Rows(long[] positions)
    {
        Ensure(positions.Max() + 1);
        using Tensor at = tensor(positions, device: device);
        return _table!.index_select(0, at);
    }

    /// <summary>
    /// Positions of tokens: padding keeps the padding's row, everything else counts on behind it.
    /// </summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="counted">Tokens before them that were no padding.</param>
    /// <param name="positions">Receives as many rows.</param>
    public void Place(ReadOnlySpan<int> tokens, int counted, Span<long> positions)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            positions[i] = tokens[i] == padding ? padding : padding + ++counted;
        }
    }

    public void Dispose() => _table?.Dispose();

    private void Ensure(long length)
    {
        if (length <= _length)
        {
            return;
        }

        int rows = (int)Math.Max(FirstLength, System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)length));
        using DisposeScope scope = NewDisposeScope();
        int half = width / 2;
        Tensor frequencies = arange(half, ScalarType.Float32).mul(-(Math.Log(10000) / (half - 1))).exp();
        Tensor angles = arange(rows, ScalarType.Float32).unsqueeze(1) * frequencies.unsqueeze(0);
        Tensor table = cat(width % 2 == 0 ? [angles.sin(), angles.cos()] : [angles.sin(), angles.cos(), zeros(rows, 1)], 1);
        table[padding] = zeros(width);
        Tensor moved = table.to(device);
        Dispose();
        _table = moved.DetachFromDisposeScope();
        _length = rows;
    }
}
