using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>What a model's attention knows about positions: a rotary embedding, a relative bias, both or neither. Grows with them.</summary>
internal sealed class PositionTables(DecoderSpec spec, Device device) : IDisposable
{
    private readonly RotaryTable? _rotary = spec.Rope is { } rope ? new RotaryTable(rope, device) : null;
    private readonly BucketTable? _buckets = spec.RelativeBias is { } bias ? new BucketTable(bias, device) : null;

    /// <summary>The positions of a step's rows, detached from any dispose scope. On the executor's thread.</summary>
    /// <param name="slices">The slices that make up the rows.</param>
    /// <param name="rows">T.</param>
    public StepPositions Of(SliceState[] slices, int rows)
    {
        int most = slices.Max(slice => slice.Position + slice.Count);
        (Tensor? cos, Tensor? sin) = Rotation(slices, rows, most);
        _buckets?.Ensure(most, slices.Max(slice => slice.Count));
        return new StepPositions
        {
            Cos = cos?.DetachFromDisposeScope(),
            Sin = sin?.DetachFromDisposeScope(),
            Buckets = _buckets?.Index.alias().DetachFromDisposeScope(),
            Past = _buckets?.Past ?? 0,
        };
    }

    public void Dispose()
    {
        _rotary?.Dispose();
        _buckets?.Dispose();
    }

    private (Tensor? Cos, Tensor? Sin) Rotation(SliceState[] slices, int rows, int most)
    {
        if (_rotary is null)
        {
            return (null, null);
        }

        _rotary.Ensure(most);
        if (slices.Length == 1)
        {
            return (_rotary.Cos.narrow(0, slices[0].Position, rows), _rotary.Sin.narrow(0, slices[0].Position, rows));
        }

        var positions = new long[rows];
        foreach (SliceState slice in slices)
        {
            for (int i = 0; i < slice.Count; i++)
            {
                positions[slice.Row + i] = slice.Position + i;
            }
        }

        using Tensor at = tensor(positions, device: device);
        return (_rotary.Cos.index_select(0, at), _rotary.Sin.index_select(0, at));
    }
}
