using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Makes initial weights from a passed generator.</summary>
public static class WeightInit
{
    /// <summary>Normal, drawn again beyond two standard deviations; σ = √(scale/fan-in). Not corrected for what the cut takes off.</summary>
    /// <param name="shape">Shape of the weight.</param>
    /// <param name="fanIn">Inputs of each output.</param>
    /// <param name="scale">0.1 in Switch Transformers, 1 elsewhere.</param>
    /// <param name="generator">Source of the draw.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="device">Device.</param>
    public static Tensor TruncatedNormal(
        long[] shape, long fanIn, double scale, Generator generator, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fanIn, 1);
        ArgumentNullException.ThrowIfNull(generator);
        using var scope = NewDisposeScope();
        // The inverse distribution function of uniform numbers between Φ(−2) and Φ(2) is the truncated distribution itself.
        const double Cut = 0.95449973610364158;
        Tensor uniform = rand(shape, dtype: ScalarType.Float64, device: device, generator: generator);
        Tensor standard = (((uniform * 2) - 1) * Cut).erfinv() * Math.Sqrt(2);
        return (standard.clamp(-2, 2) * Math.Sqrt(scale / fanIn)).to(dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Starts a weight [rows, columns] as named; columns are the inputs.</summary>
    /// <exception cref="ArgumentException">A random start without a generator.</exception>
    internal static Tensor Create(RouterInit init, long rows, long columns, Generator? generator, ScalarType dtype, Device? device)
    {
        if (init == RouterInit.Zero)
        {
            return zeros(rows, columns, dtype: dtype, device: device);
        }

        Generator source = generator ?? throw new ArgumentException($"A {init} start draws at random: pass a generator.", nameof(generator));
        if (init == RouterInit.TruncatedNormal)
        {
            return TruncatedNormal([rows, columns], columns, 0.1, source, dtype, device);
        }

        using Tensor standard = randn([rows, columns], dtype: dtype, device: device, generator: source);
        return standard * 0.02;
    }
}
