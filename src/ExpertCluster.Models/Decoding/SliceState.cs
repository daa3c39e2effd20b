using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>One slice of a running step: which rows of the batch are its, and where they stand in the sequence.</summary>
internal sealed class SliceState(StepSlice slice, int row) : IDisposable
{
    // Masks are the same in every layer and so kept, up to 64 MB; beyond that they are made anew.
    private const long MostKeptMasks = 1 << 24;
    private readonly Dictionary<(int First, int? Window), Tensor> _masks = [];
    private long _kept;

    public StepSlice Slice => slice;

    public DecoderSequence Sequence => slice.Sequence;

    /// <summary>First row in the batch.</summary>
    public int Row => row;

    /// <summary>Number of rows.</summary>
    public int Count { get; } = slice.Tokens.Length;

    /// <summary>Position of the first row in the sequence.</summary>
    public int Position { get; } = slice.Sequence.Length;

    /// <summary>
    /// The additive mask [count,keys] of a block of rows: 0 where a row sees a key, −∞ where not; null when all see all.
    /// </summary>
    /// <param name="first">First row of the block, counted in the slice.</param>
    /// <param name="count">Rows in the block.</param>
    /// <param name="firstKey">Position of the first key.</param>
    /// <param name="keys">Number of keys; the last is at the block's last position.</param>
    /// <param name="window">How many positions a row sees; null for all.</param>
    /// <param name="device">Where the mask goes.</param>
    /// <param name="owned">Whether the caller disposes it.</param>
    public Tensor? Mask(int first, int count, int firstKey, int keys, int? window, Device device, out bool owned)
    {
        owned = false;
        if (count == 1)
        {
            // firstKey is the first position that this row sees.
            return null;
        }

        if (_masks.TryGetValue((first, window), out Tensor? mask))
        {
            return mask;
        }

        float[] values = new float[count * keys];
        Array.Fill(values, float.NegativeInfinity);
        for (int i = 0; i < count; i++)
        {
            int position = Position + first + i;
            int from = Math.Max(DecoderSequence.FirstVisible(position, window), firstKey) - firstKey;
            values.AsSpan((i * keys) + from, position - firstKey - from + 1).Clear();
        }

        mask = tensor(values, [count, keys], device: device);
        owned = _kept + values.Length > MostKeptMasks;
        if (!owned)
        {
            _kept += values.Length;
            _masks[(first, window)] = mask.DetachFromDisposeScope();
        }

        return mask;
    }

    public void Dispose()
    {
        foreach (Tensor mask in _masks.Values)
        {
            mask.Dispose();
        }

        _masks.Clear();
    }
}
