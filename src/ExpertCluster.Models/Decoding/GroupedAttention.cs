using ExpertCluster.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>Computes <see cref="GroupedAttentionWeights"/> as free functions over the weights.</summary>
internal sealed class GroupedAttention : Attention
{
    private readonly GroupedAttentionWeights _weights;
    private readonly Scalar _epsilon;
    private readonly Tensor _outputTransposed;
    private readonly Tensor? _sinks;
    private readonly Scalar? _queryClip;
    private readonly Scalar? _clip;
    private readonly int _queryWidth;
    private readonly int _keyWidth;
    private readonly int _width;
    private readonly int _group;
    private readonly RowShape _row;
    private readonly float[] _hostSinks = [];

    public GroupedAttention(int layer, DecoderSpec spec, GroupedAttentionWeights weights, Device device)
        : base(layer, spec, device)
    {
        if (spec.RelativeBias is null != weights.RelativeBias is null)
        {
            throw new ArgumentException($"Layer {layer}: a relative bias must be in the spec and among the weights, or in neither.", nameof(weights));
        }

        _weights = weights;
        _epsilon = spec.NormEpsilon.ToScalar();
        _queryWidth = spec.Heads * spec.HeadDim;
        _keyWidth = spec.KvHeads * spec.HeadDim;
        _width = _queryWidth + (2 * _keyWidth);
        _group = spec.Heads / spec.KvHeads;
        _outputTransposed = weights.Output.t().DetachFromDisposeScope();
        _row = new RowShape(spec.KvHeads, _group, spec.HeadDim);
        _sinks = weights.Sinks?.view(spec.KvHeads, _group, 1).DetachFromDisposeScope();
        if (_sinks is not null)
        {
            _hostSinks = new float[spec.Heads];
            TensorMemory.CopyTo(_sinks, _hostSinks);
        }

        _clip = weights.Clip?.ToScalar();
        _queryClip = (weights.Clip * spec.Scale)?.ToScalar();
        Fold(spec.Scale);
    }

    public override void Attend(Tensor normed, Tensor hidden, int rows, StepPositions positions, SliceState[] slices)
    {
        int d = Spec.HeadDim;
        using Tensor all = nn.functional.linear(normed, _weights.QueryKeyValue, _weights.Bias);
        Norm(all, rows);
        if (Spec.Rope is { } rope)
        {
            using Tensor rotated = all.as_strided([rows, Spec.Heads + Spec.KvHeads, rope.Width], [_width, d, 1], 0);
            Rotate(rotated, rope.Width, positions.Cos!, positions.Sin!);
        }

        using Tensor attended = slices.Length == 1 && slices[0].Count == 1 && !IsSmall(slices[0])
            ? AttendOne(all, positions, slices[0])
            : AttendAll(all, rows, positions, slices);
        hidden.addmm_(attended, _outputTransposed, 1, 1);
        if (_weights.OutputBias is { } bias)
        {
            hidden.add_(bias);
        }
    }

    public override void Dispose()
    {
        _outputTransposed.Dispose();
        _sinks?.Dispose();
        _epsilon.Dispose();
        _clip?.Dispose();
        _queryClip?.Dispose();
    }

    /// <summary>The scale of the scores goes once into what makes the queries, instead of into every score.</summary>
    private void Fold(double factor)
    {
        using Scalar scale = factor.ToScalar();
        if (_weights.QueryNorm is { } norm)
        {
            norm.mul_(scale);
            return;
        }

        using Tensor query = _weights.QueryKeyValue.narrow(0, 0, _queryWidth);
        query.mul_(scale);
        if (_weights.Bias is { } bias)
        {
            using Tensor queryBias = bias.narrow(0, 0, _queryWidth);
            queryBias.mul_(scale);
        }
    }

    private void Norm(Tensor all, int rows)
    {
        if (_weights.QueryNorm is { } queryNorm)
        {
            Norm(queryNorm, Spec.Heads, 0);
            Norm(_weights.KeyNorm!, Spec.KvHeads, _queryWidth);
        }

        if (_clip is not null)
        {
            using Scalar least = (-_weights.Clip!.Value).ToScalar();
            using Scalar leastQuery = (-_weights.Clip.Value * Spec.Scale).ToScalar();
            using Tensor queries = all.narrow(1, 0, _queryWidth);
            using Tensor others = all.narrow(1, _queryWidth, 2 * _keyWidth);
            queries.clamp_(leastQuery, _queryClip!);
            others.clamp_(least, _clip);
        }

        void Norm(Tensor weight, int heads, int start)
        {
            int d = Spec.HeadDim;
            using Tensor view = _weights.NormsWhole
                ? all.as_strided([rows, heads * d], [_width, 1], start)
                : all.as_strided([rows, heads, d], [_width, d, 1], start);
            RmsNorm.ApplyInPlace(view, weight, _epsilon);
        }
    }

    private Tensor AttendOne(Tensor all, StepPositions positions, SliceState slice)
    {
        Append(all, slice);
        using Tensor result = Core(all, positions, slice, 0, 1);
        return result.view(1, _queryWidth);
    }

    private unsafe Tensor AttendAll(Tensor all, int rows, StepPositions positions, SliceState[] slices)
    {
        Tensor attended = empty(rows, _queryWidth, ScalarType.Float32, Device);
        float* from = null, to = null;
        foreach (SliceState slice in slices)
        {
            if (!IsSmall(slice))
            {
                AttendSlice(all, attended, positions, slice);
                continue;
            }

            if (from is null)
            {
                from = TensorMemory.Address(all);
                to = TensorMemory.Address(attended);
            }

            AttendRow(from + ((long)slice.Row * _width), slice, to + ((long)slice.Row * _queryWidth));
        }

        return attended;
    }

    private void AttendSlice(Tensor all, Tensor attended, StepPositions positions, SliceState slice)
    {
        int d = Spec.HeadDim;
        Append(all, slice);
        int block = Block(slice);
        for (int first = 0; first < slice.Count; first += block)
        {
            int count = Math.Min(block, slice.Count - first);
            long offset = (long)(slice.Row + first) * _queryWidth;
            using Tensor result = Core(all, positions, slice, first, count);
            using Tensor source = result.view(Spec.KvHeads, _group, count, d);
            using Tensor target = attended.as_strided([Spec.KvHeads, _group, count, d], [_group * d, d, _queryWidth, 1], offset);
            target.copy_(source);
        }
    }

    /// <summary>Whether calls to libtorch would cost more than what they compute.</summary>
    private bool IsSmall(SliceState slice) => slice.Count == 1 && _weights.RelativeBias is null && slice.Sequence.IsOnHost
        && _row.Products(slice.Position + 1 - DecoderSequence.FirstVisible(slice.Position, Window)) <= RowAttention.MostProducts;

    /// <summary>One row [queries, keys, values] of a sequence, without libtorch.</summary>
    private unsafe void AttendRow(float* row, SliceState slice, float* output)
    {
        DecoderSequence sequence = slice.Sequence;
        int d = Spec.HeadDim;
        long head = (long)sequence.CapacityOf(Layer) * d;
        float* keys = sequence.HostRows(Layer);
        float* values = keys + (Spec.KvHeads * head);
        long place = (long)(slice.Position - sequence.StartOf(Layer)) * d;
        for (int i = 0; i < Spec.KvHeads; i++)
        {
            new ReadOnlySpan<float>(row + _queryWidth + (i * d), d).CopyTo(new Span<float>(keys + (i * head) + place, d));
            new ReadOnlySpan<float>(row + _queryWidth + _keyWidth + (i * d), d).CopyTo(new Span<float>(values + (i * head) + place, d));
        }

        int firstKey = DecoderSequence.FirstVisible(slice.Position, Window);
        long first = (long)(firstKey - sequence.StartOf(Layer)) * d;
        RowAttention.Compute(row, keys + first, values + first, head, _row, slice.Position + 1 - firstKey, _hostSinks, output);
    }

    private void Append(Tensor all, SliceState slice)
    {
        int d = Spec.HeadDim;
        Tensor cache = slice.Sequence.Layer(Layer);
        using Tensor target = cache.narrow(2, slice.Position - slice.Sequence.StartOf(Layer), slice.Count);
        using Tensor source = all.as_strided(
            [2, Spec.KvHeads, slice.Count, d], [_keyWidth, d, _width, 1], ((long)slice.Row * _width) + _queryWidth);
        target.copy_(source);
    }

    /// <summary>
    /// Attention of a block of rows over the cache, [kvHeads, group·count, d]. Queries that share a key-value head are stacked as
    /// rows of one product, so keys and values are never repeated.
    /// </summary>
    private Tensor Core(Tensor all, StepPositions positions, SliceState slice, int first, int count)
    {
        int d = Spec.HeadDim;
        int kv = Spec.KvHeads;
        DecoderSequence sequence = slice.Sequence;
        Tensor cache = sequence.Layer(Layer);
        int firstKey = DecoderSequence.FirstVisible(slice.Position + first, Window);
        int keys = slice.Position + first + count - firstKey;
        long head = (long)sequence.CapacityOf(Layer) * d;
        long keyOffset = (long)(firstKey - sequence.StartOf(Layer)) * d;
        long queryOffset = (long)(slice.Row + first) * _width;
        using Tensor query = count == 1
            ? all.as_strided([kv, _group, d], [_group * d, d, 1], queryOffset)
            : Stacked(all, count, queryOffset);
        using Tensor keysTransposed = cache.as_strided([kv, d, keys], [head, 1, d], keyOffset);
        using Tensor values = cache.as_strided([kv, keys, d], [head, d, 1], (kv * head) + keyOffset);
        using Tensor scores = query.bmm(keysTransposed);
        if (_weights.RelativeBias is { } bias)
        {
            AddBias(scores, bias, positions, count, keys);
        }

        using Tensor weights = Weigh(scores, Spec.Heads, slice, first, count, firstKey, keys, _sinks);
        return weights.bmm(values);
    }

    /// <summary>Adds to scores [kvHeads, group·count, keys] what each head has for the distance between row and key.</summary>
    private void AddBias(Tensor scores, Tensor bias, StepPositions positions, int count, int keys)
    {
        // The block's last row sees distances keys − 1 to 0; its first is count − 1 nearer to all keys, the masked ones included.
        int width = keys + count - 1;
        using Tensor index = positions.Buckets!.narrow(0, positions.Past - keys, width);
        using Tensor byDistance = bias.index_select(1, index);
        using Tensor lastFirst = byDistance.as_strided([Spec.Heads, count, keys], [width, 1, 1], 0);
        using Tensor? firstFirst = count == 1 ? null : lastFirst.flip(1);
        using Tensor grouped = scores.view(Spec.Heads, count, keys);
        grouped.add_(firstFirst ?? lastFirst);
    }

    private Tensor Stacked(Tensor all, int count, long offset)
    {
        int d = Spec.HeadDim;
        using Tensor view = all.as_strided([Spec.KvHeads, _group, count, d], [_group * d, d, _width, 1], offset);
        return view.reshape(Spec.KvHeads, _group * count, d);
    }
}
