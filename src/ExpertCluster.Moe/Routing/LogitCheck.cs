using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Refuses logits that no decision can be made from.</summary>
internal static class LogitCheck
{
    /// <summary>A logit of −∞ masks an expert; a row needs one that is finite.</summary>
    /// <exception cref="ArgumentException">Not [T,E], or not float32 or float64.</exception>
    /// <exception cref="NotFiniteNumberException">NaN, +∞, or a row of −∞ alone.</exception>
    public static void Require(Tensor logits, int? experts = null)
    {
        ArgumentNullException.ThrowIfNull(logits);
        long[] shape = logits.shape;
        if (shape.Length != 2 || shape[1] < 1 || (experts is { } e && shape[1] != e))
        {
            throw new ArgumentException(
                $"Router logits [{string.Join(", ", shape)}] are not [T, {experts?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "E"}].", nameof(logits));
        }

        if (logits.dtype is not (ScalarType.Float32 or ScalarType.Float64))
        {
            throw new ArgumentException($"Router logits are {logits.dtype}; float32 or float64 is needed.", nameof(logits));
        }

        if (shape[0] == 0)
        {
            return;
        }

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // The maximum of a row is NaN when any of it is, and −∞ only when all of it is.
        Tensor best = logits.amax([1L]);
        Tensor bad = best.isfinite().logical_not();
        if (bad.any().item<bool>())
        {
            long row = bad.to(ScalarType.Int64).argmax().item<long>();
            double value = best[row].to(ScalarType.Float64).item<double>();
            throw new NotFiniteNumberException(
                double.IsNegativeInfinity(value)
                    ? $"All router logits of row {row} are −∞: every expert is masked, and the token has nowhere to go."
                    : $"The router logits of row {row} are not finite ({value}); are the weights or inputs damaged?",
                value);
        }
    }
}
