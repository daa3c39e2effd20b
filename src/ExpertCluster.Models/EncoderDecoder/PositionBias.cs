using ExpertCluster.Models.Decoding;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>
/// What a step adds to the scores of its self-attention: T5's bias of relative positions where the stack has one, and −∞ where a row
/// may not see a key. The same in every layer of a stack, and so kept for the step.
/// </summary>
/// <param name="table">The stack's bias; null for none.</param>
/// <param name="causal">Whether a row sees only itself and what stands before it.</param>
/// <param name="heads">Heads.</param>
/// <param name="device">Where the scores are.</param>
internal sealed class PositionBias(RelativeBias? table, bool causal, int heads, Device device) : IDisposable
{
    // Up to 64 MB; beyond that blocks are made anew in each layer.
    private const long MostKept = 1 << 24;
    private readonly Dictionary<(SliceState Slice, int First), Tensor> _blocks = [];
    private long _kept;

    /// <summary>The bias of a block of rows, [heads,count,keys] or [count,keys]; null where nothing is to be added.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="first">First row of the block, counted in the slice.</param>
    /// <param name="count">Rows.</param>
    /// <param name="keys">Keys, from position 0 on.</param>
    /// <param name="owned">Whether the caller disposes it.</param>
    public Tensor? For(SliceState slice, int first, int count, int keys, out bool owned)
    {
        owned = false;
        if (table is null)
        {
            // The last key is at the block's last position.
            return causal ? slice.Mask(first, count, 0, keys, null, device, out owned) : null;
        }

        if (_blocks.TryGetValue((slice, first), out Tensor? block))
        {
            return block;
        }

        block = table.Block(slice.Position + first, count, keys, causal);
        long size = (long)heads * count * keys;
        owned = _kept + size > MostKept;
        if (!owned)
        {
            _kept += size;
            _blocks[(slice, first)] = block.DetachFromDisposeScope();
        }

        return block;
    }

    public void Dispose()
    {
        foreach (Tensor block in _blocks.Values)
        {
            block.Dispose();
        }

        _blocks.Clear();
    }
}
