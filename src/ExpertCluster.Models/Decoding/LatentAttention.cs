using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Computes <see cref="LatentAttentionWeights"/> with a cache of latents alone: the projections from latent to keys and values are
/// absorbed into query and output (DeepSeek-V2, section 2.1.2), so that all heads attend to one shared key of width c + r whose
/// first c numbers are also the value.
/// </summary>
internal sealed class LatentAttention : Attention
{
    // DeepSeek's norms of latents have this epsilon whatever rms_norm_eps says.
    private const double LatentEpsilon = 1e-6;

    private readonly LatentAttentionWeights _weights;
    private readonly Scalar _epsilon;
    private readonly Tensor _outputTransposed;
    private readonly int _rotary;
    private readonly int _latent;
    private readonly int _plain;
    private readonly int _value;
    private readonly int _width;

    public LatentAttention(int layer, DecoderSpec spec, LatentAttentionWeights weights, Device device)
        : base(layer, spec, device)
    {
        if (spec.Rope is null || spec.RelativeBias is not null)
        {
            throw new ArgumentException("Latent attention has a rotary embedding and no relative bias.", nameof(spec));
        }

        _weights = weights;
        _epsilon = LatentEpsilon.ToScalar();
        _rotary = spec.Rope.Width;
        _width = spec.LatentWidth!.Value;
        _latent = _width - _rotary;
        _plain = spec.HeadDim - _rotary;
        _value = (int)weights.ValueUp.shape[2];
        _outputTransposed = weights.Output.t().DetachFromDisposeScope();
        using Scalar scale = spec.Scale.ToScalar();
        weights.Query.mul_(scale);
    }

    public override void Attend(Tensor normed, Tensor hidden, int rows, StepPositions positions, SliceState[] slices)
    {
        using Tensor queries = Queries(normed);
        using Tensor shared = nn.functional.linear(normed, _weights.Latent, _weights.LatentBias);
        using (Tensor latent = shared.narrow(1, 0, _latent))
        {
            RmsNorm.ApplyInPlace(latent, _weights.LatentNorm, _epsilon);
        }

        using (Tensor key = shared.as_strided([rows, 1, _rotary], [_width, _rotary, 1], _latent))
        {
            Rotate(key, _rotary, positions.Cos!, positions.Sin!);
        }

        int d = Spec.HeadDim;
        using (Tensor rotated = queries.as_strided([rows, Spec.Heads, _rotary], [Spec.Heads * d, d, 1], _plain))
        {
            Rotate(rotated, _rotary, positions.Cos!, positions.Sin!);
        }

        using Tensor absorbed = Absorb(queries, rows);
        using Tensor attended = empty(rows, Spec.Heads * _value, ScalarType.Float32, Device);
        foreach (SliceState slice in slices)
        {
            Append(shared, slice);
            int block = Block(slice);
            for (int first = 0; first < slice.Count; first += block)
            {
                Core(absorbed, attended, slice, first, Math.Min(block, slice.Count - first));
            }
        }

        hidden.addmm_(attended, _outputTransposed, 1, 1);
        if (_weights.OutputBias is { } bias)
        {
            hidden.add_(bias);
        }
    }

    public override void Dispose()
    {
        _outputTransposed.Dispose();
        _epsilon.Dispose();
    }

    private Tensor Queries(Tensor normed)
    {
        if (_weights.QueryLatent is null)
        {
            return nn.functional.linear(normed, _weights.Query);
        }

        using Tensor latent = nn.functional.linear(normed, _weights.QueryLatent, _weights.QueryLatentBias);
        RmsNorm.ApplyInPlace(latent, _weights.QueryLatentNorm!, _epsilon);
        return nn.functional.linear(latent, _weights.Query);
    }

    /// <summary>Queries that meet latents instead of keys, [heads,T,c+r].</summary>
    private Tensor Absorb(Tensor queries, int rows)
    {
        int d = Spec.HeadDim;
        Tensor absorbed = empty([Spec.Heads, rows, _width], ScalarType.Float32, Device);
        using Tensor plain = queries.as_strided([Spec.Heads, rows, _plain], [d, Spec.Heads * d, 1], 0);
        using Tensor product = plain.bmm(_weights.KeyUp);
        using Tensor first = absorbed.narrow(2, 0, _latent);
        first.copy_(product);
        using Tensor rotated = queries.as_strided([Spec.Heads, rows, _rotary], [d, Spec.Heads * d, 1], _plain);
        using Tensor last = absorbed.narrow(2, _latent, _rotary);
        last.copy_(rotated);
        return absorbed;
    }

    private void Append(Tensor shared, SliceState slice)
    {
        Tensor cache = slice.Sequence.Layer(Layer);
        using Tensor target = cache.narrow(2, slice.Position - slice.Sequence.StartOf(Layer), slice.Count);
        using Tensor source = shared.as_strided(
            [1, 1, slice.Count, _width], [_width, _width, _width, 1], (long)slice.Row * _width);
        target.copy_(source);
    }

    private void Core(Tensor absorbed, Tensor attended, SliceState slice, int first, int count)
    {
        DecoderSequence sequence = slice.Sequence;
        Tensor cache = sequence.Layer(Layer);
        int firstKey = DecoderSequence.FirstVisible(slice.Position + first, Window);
        int keys = slice.Position + first + count - firstKey;
        long offset = (long)(firstKey - sequence.StartOf(Layer)) * _width;
        using Tensor rows = absorbed.narrow(1, slice.Row + first, count);
        using Tensor query = rows.reshape(1, Spec.Heads * count, _width);
        using Tensor keysTransposed = cache.as_strided([1, _width, keys], [_width, 1, _width], offset);
        using Tensor values = cache.as_strided([1, keys, _latent], [_width, _width, 1], offset);
        using Tensor scores = query.bmm(keysTransposed);
        using Tensor weights = Weigh(scores, Spec.Heads, slice, first, count, firstKey, keys, null);
        using Tensor latents = weights.bmm(values);
        using Tensor perHead = latents.view(Spec.Heads, count, _latent);
        using Tensor result = perHead.bmm(_weights.ValueUp);
        using Tensor target = attended.as_strided(
            [Spec.Heads, count, _value], [_value, Spec.Heads * _value, 1], (long)(slice.Row + first) * Spec.Heads * _value);
        target.copy_(result);
    }
}
