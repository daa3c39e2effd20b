using ExpertCluster.Models.Decoding;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>
/// Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762) without rotation, as encoder–decoders have it three times: over the source,
/// over the target so far, and from the target to the source. Owns its weights.
/// </summary>
internal sealed class MultiHeadAttention : IDisposable
{
    // Attention scores of one block of queries: 64 MB.
    private const long MostScores = 1 << 24;

    private readonly int _heads;
    private readonly int _dim;
    private readonly int _width;
    private readonly Tensor[] _owned;
    private readonly Tensor _all;
    private readonly Tensor? _allBias;
    private readonly Tensor _query;
    private readonly Tensor? _queryBias;
    private readonly Tensor _keyValue;
    private readonly Tensor? _keyValueBias;
    private readonly Tensor _outputTransposed;
    private readonly Tensor? _outputBias;

    /// <summary>Takes the weights over; all are detached from any dispose scope. On the executor's thread.</summary>
    /// <param name="heads">Heads.</param>
    /// <param name="dim">Width d of a head.</param>
    /// <param name="scale">Factor of the scores; it goes once into what makes the queries.</param>
    /// <param name="queryKeyValue">[3·heads·d, H]: query, key and value projections one above the other.</param>
    /// <param name="bias">[3·heads·d], or null.</param>
    /// <param name="output">[H, heads·d].</param>
    /// <param name="outputBias">[H], or null.</param>
    public MultiHeadAttention(
        int heads, int dim, double scale, Tensor queryKeyValue, Tensor? bias, Tensor output, Tensor? outputBias)
    {
        (_heads, _dim, _width) = (heads, dim, heads * dim);
        (_all, _allBias, _outputBias) = (queryKeyValue, bias, outputBias);
        _query = queryKeyValue.narrow(0, 0, _width).DetachFromDisposeScope();
        _keyValue = queryKeyValue.narrow(0, _width, 2 * _width).DetachFromDisposeScope();
        _queryBias = bias?.narrow(0, 0, _width).DetachFromDisposeScope();
        _keyValueBias = bias?.narrow(0, _width, 2 * _width).DetachFromDisposeScope();
        _outputTransposed = output.t().DetachFromDisposeScope();
        _owned = [.. new[] { _query, _keyValue, _queryBias, _keyValueBias, _outputTransposed, _all, _allBias, output, _outputBias }.OfType<Tensor>()];
        if (scale != 1)
        {
            using Scalar factor = scale.ToScalar();
            _query.mul_(factor);
            _queryBias?.mul_(factor);
        }
    }

    /// <summary>Every row of a slice over all rows of the slice, added to <paramref name="hidden"/> [T,H].</summary>
    public void OverSource(Tensor normed, Tensor hidden, int rows, SliceState[] slices, PositionBias bias)
    {
        int width = 3 * _width;
        using Tensor all = nn.functional.linear(normed, _all, _allBias);
        using Tensor attended = empty(rows, _width, ScalarType.Float32, hidden.device);
        foreach (SliceState slice in slices)
        {
            long offset = ((long)slice.Row * width) + _width;
            using Tensor keys = all.as_strided([_heads, _dim, slice.Count], [_dim, 1, width], offset);
            using Tensor values = all.as_strided([_heads, slice.Count, _dim], [_dim, width, 1], offset + _width);
            int block = Block(slice.Count, slice.Count);
            for (int first = 0; first < slice.Count; first += block)
            {
                int count = Math.Min(block, slice.Count - first);
                Attend(all, width, slice, first, count, keys, values, bias, slice.Count, attended);
            }
        }

        Project(attended, hidden);
    }

    /// <summary>Every row over the target up to itself, appending to the slices' caches.</summary>
    public void OverTarget(int cacheLayer, Tensor normed, Tensor hidden, int rows, SliceState[] slices, PositionBias bias)
    {
        int width = 3 * _width;
        using Tensor all = nn.functional.linear(normed, _all, _allBias);
        using Tensor attended = empty(rows, _width, ScalarType.Float32, hidden.device);
        foreach (SliceState slice in slices)
        {
            Tensor cache = slice.Sequence.Layer(cacheLayer);
            using (Tensor target = cache.narrow(2, slice.Position, slice.Count))
            using (Tensor source = all.as_strided(
                [2, _heads, slice.Count, _dim], [_width, _dim, width, 1], ((long)slice.Row * width) + _width))
            {
                target.copy_(source);
            }

            long head = (long)slice.Sequence.CapacityOf(cacheLayer) * _dim;
            int block = Block(slice.Count, slice.Position + slice.Count);
            for (int first = 0; first < slice.Count; first += block)
            {
                int count = Math.Min(block, slice.Count - first);
                int keys = slice.Position + first + count;
                using Tensor transposed = cache.as_strided([_heads, _dim, keys], [head, 1, _dim], 0);
                using Tensor values = cache.as_strided([_heads, keys, _dim], [head, _dim, 1], _heads * head);
                Attend(all, width, slice, first, count, transposed, values, bias, keys, attended);
            }
        }

        Project(attended, hidden);
    }

    /// <summary>Every row over what the encoder left in its sequence.</summary>
    public void FromTargetToSource(int cacheLayer, Tensor normed, Tensor hidden, int rows, SliceState[] slices)
    {
        using Tensor queries = nn.functional.linear(normed, _query, _queryBias);
        using Tensor attended = empty(rows, _width, ScalarType.Float32, hidden.device);
        foreach (SliceState slice in slices)
        {
            Tensor memory = slice.Sequence.Source(cacheLayer);
            int keys = slice.Sequence.SourceLength;
            long head = (long)keys * _dim;
            using Tensor transposed = memory.as_strided([_heads, _dim, keys], [head, 1, _dim], 0);
            using Tensor values = memory.as_strided([_heads, keys, _dim], [head, _dim, 1], _heads * head);
            int block = Block(slice.Count, keys);
            for (int first = 0; first < slice.Count; first += block)
            {
                int count = Math.Min(block, slice.Count - first);
                Attend(queries, _width, slice, first, count, transposed, values, null, keys, attended);
            }
        }

        Project(attended, hidden);
    }

    /// <summary>Keys and values of the encoder's output [T,H], per slice [2,heads,count,d], detached from any dispose scope.</summary>
    public Tensor[] Remember(Tensor encoded, SliceState[] slices)
    {
        using Tensor both = nn.functional.linear(encoded, _keyValue, _keyValueBias);
        int width = 2 * _width;
        return [.. slices.Select(slice =>
        {
            using Tensor view = both.as_strided([2, _heads, slice.Count, _dim], [_width, _dim, width, 1], (long)slice.Row * width);
            Tensor memory = empty([2, _heads, slice.Count, _dim], ScalarType.Float32, encoded.device);
            return memory.copy_(view).DetachFromDisposeScope();
        })];
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _owned)
        {
            tensor.Dispose();
        }
    }

    private int Block(int rows, int keys) => (int)Math.Clamp(MostScores / ((long)_heads * keys), 1, rows);

    private void Attend(
        Tensor queries, int width, SliceState slice, int first, int count, Tensor keysTransposed, Tensor values, PositionBias? bias, int keys,
        Tensor attended)
    {
        int row = slice.Row + first;
        using Tensor query = queries.as_strided([_heads, count, _dim], [_dim, width, 1], (long)row * width);
        using Tensor scores = query.bmm(keysTransposed);
        bool owned = false;
        if (bias?.For(slice, first, count, keys, out owned) is { } added)
        {
            scores.add_(added);
            if (owned)
            {
                added.Dispose();
            }
        }

        using Tensor weights = scores.softmax(-1);
        using Tensor result = weights.bmm(values);
        using Tensor target = attended.as_strided([_heads, count, _dim], [_dim, _width, 1], (long)row * _width);
        target.copy_(result);
    }

    private void Project(Tensor attended, Tensor hidden)
    {
        hidden.addmm_(attended, _outputTransposed, 1, 1);
        if (_outputBias is not null)
        {
            hidden.add_(_outputBias);
        }
    }
}
