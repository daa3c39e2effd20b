using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Cosines and sines of the rotary embedding (Su et al. 2021, arXiv:2104.09864) for all positions so far, computed in float32 as
/// Hugging Face does. The sign of rotate-half is folded into the sines: <c>x·cos + roll(x, d/2)·sin</c>.
/// </summary>
internal sealed class RotaryTable(RopeSpec rope, Device device) : IDisposable
{
    private const int FirstLength = 512;
    private int _length;
    private Tensor? _cos;
    private Tensor? _sin;

    /// <summary>Cosines, [positions,1,d].</summary>
    public Tensor Cos => _cos!;

    /// <summary>Signed sines, [positions,1,d].</summary>
    public Tensor Sin => _sin!;

    /// <summary>Makes sure that positions below <paramref name="length"/> are there.</summary>
    public void Ensure(int length)
    {
        if (length <= _length)
        {
            return;
        }

        long rows = Math.Max(FirstLength, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length));
        using DisposeScope scope = NewDisposeScope();
        Tensor frequencies = Frequencies();
        Tensor angles = arange(rows, ScalarType.Float32).unsqueeze(1) * frequencies.unsqueeze(0);
        Tensor half = angles.sin();
        Tensor cosines = cat([angles, angles], 1).cos().unsqueeze(1);
        Tensor sines = cat([-half, half], 1).unsqueeze(1);
        if (rope.AttentionFactor != 1)
        {
            cosines = cosines * rope.AttentionFactor;
            sines = sines * rope.AttentionFactor;
        }

        Tensor cos = cosines.to(device);
        Tensor sin = sines.to(device);
        Dispose();
        _cos = cos.DetachFromDisposeScope();
        _sin = sin.DetachFromDisposeScope();
        _length = (int)Math.Min(rows, int.MaxValue);
    }

    private Tensor Frequencies()
    {
        if (rope.Frequencies is { } given)
        {
            return tensor(given.Select(f => (float)f).ToArray());
        }

        Tensor exponents = arange(0, rope.Width, 2, ScalarType.Float32).div(rope.Width);
        return full([rope.Width / 2], rope.Theta, ScalarType.Float32).pow(exponents).reciprocal();
    }

    public void Dispose()
    {
        _cos?.Dispose();
        _sin?.Dispose();
    }
}
