using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Attention of one layer with its cache. Sizes are passed in, never asked of tensors: each such question costs as much as an addition.
/// </summary>
internal abstract class Attention(int layer, DecoderSpec spec, Device device) : IDisposable
{
    // Attention scores of one block of queries: 64 MB.
    private const long MostScores = 1 << 24;

    protected DecoderSpec Spec => spec;

    protected Device Device => device;

    protected int Layer => layer;

    protected int? Window { get; } = spec.Window(layer);

    /// <summary>Adds attention's output to <paramref name="hidden"/> [T,H] in place, appending to the slices' caches.</summary>
    /// <param name="normed">Its input, [T,H].</param>
    /// <param name="hidden">Residual stream, [T,H].</param>
    /// <param name="rows">T.</param>
    /// <param name="positions">Where the rows stand.</param>
    /// <param name="slices">The slices that make up the rows.</param>
    public abstract void Attend(Tensor normed, Tensor hidden, int rows, StepPositions positions, SliceState[] slices);

    public abstract void Dispose();

    /// <summary>Rotates a view [T,heads,r] in place.</summary>
    protected static void Rotate(Tensor heads, int width, Tensor cos, Tensor sin)
    {
        using Tensor rolled = heads.roll(width / 2, -1);
        rolled.mul_(sin);
        heads.mul_(cos);
        heads.add_(rolled);
    }

    /// <summary>How many query rows of a slice to score at once.</summary>
    protected int Block(SliceState slice)
    {
        long keys = Math.Min(slice.Position + slice.Count, (long)(Window ?? int.MaxValue) + slice.Count);
        return (int)Math.Clamp(MostScores / (Spec.Heads * keys), 1, slice.Count);
    }

    /// <summary>Softmax of scores [g, n·count, keys] after the mask; the caller disposes the result.</summary>
    /// <param name="scores">Changed in place.</param>
    /// <param name="heads">Query heads in all, that is g·n.</param>
    /// <param name="slice">The slice.</param>
    /// <param name="first">First row of the block.</param>
    /// <param name="count">Rows of the block.</param>
    /// <param name="firstKey">Position of the first key.</param>
    /// <param name="keys">Keys.</param>
    /// <param name="sinks">One more score per head that takes weight and gives nothing, [g,n,1], or null.</param>
    protected Tensor Weigh(Tensor scores, int heads, SliceState slice, int first, int count, int firstKey, int keys, Tensor? sinks)
    {
        Tensor? mask = slice.Mask(first, count, firstKey, keys, Window, Device, out bool owned);
        if (mask is not null)
        {
            using Tensor grouped = scores.view(heads, count, keys);
            grouped.add_(mask);
            if (owned)
            {
                mask.Dispose();
            }
        }

        if (sinks is null)
        {
            return scores.softmax(-1);
        }

        using Tensor repeated = sinks.expand(-1, -1, count);
        using Tensor column = repeated.reshape(Spec.KvHeads, -1, 1);
        using Tensor all = cat([scores, column], -1);
        using Tensor weights = all.softmax(-1);
        return weights.narrow(-1, 0, keys);
    }
}
