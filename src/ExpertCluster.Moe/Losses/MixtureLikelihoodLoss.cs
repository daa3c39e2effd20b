using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>
/// −log Σ g·exp(−½‖d − o‖²): each expert is judged by its own error, so that they specialise instead of cooperating (Jacobs, Jordan,
/// Nowlan and Hinton 1991, "Adaptive Mixtures of Local Experts", equation 1.3).
/// </summary>
public static class MixtureLikelihoodLoss
{
    /// <summary>
    /// Computes the mean over cases, by logsumexp, so that far-off experts don't underflow. Gradients are finite also where a gate is 0;
    /// <see cref="OfLogits"/> gives such an expert the small share it has.
    /// </summary>
    /// <param name="gates">[T,E], rows sum to 1.</param>
    /// <param name="outputs">[T,E,O], every expert's own output.</param>
    /// <param name="desired">[T,O].</param>
    /// <returns>A scalar; 0 for no cases.</returns>
    /// <exception cref="ArgumentException">The shapes don't fit together.</exception>
    public static Tensor Compute(Tensor gates, Tensor outputs, Tensor desired)
    {
        Check(gates, outputs, desired);
        using var scope = NewDisposeScope();

        // A gate that underflowed to 0 contributes nothing, and nothing flows back through it. The derivative 1/g of log g is infinite at 0
        // and overflows below the smallest normal number, and infinity times the zero that reaches it from above is NaN.
        Tensor log = where(gates.gt(0), gates.clamp(Least(gates.dtype)).log(), full([], double.NegativeInfinity, dtype: gates.dtype, device: gates.device));
        return Mean(log, outputs, desired).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="Compute"/>, from the logits whose softmax the gates are: exact also where a gate underflows.</summary>
    /// <param name="logits">[T,E]; −∞ masks an expert.</param>
    /// <param name="outputs">[T,E,O], every expert's own output.</param>
    /// <param name="desired">[T,O].</param>
    /// <returns>A scalar; 0 for no cases.</returns>
    /// <exception cref="ArgumentException">The shapes don't fit together.</exception>
    public static Tensor OfLogits(Tensor logits, Tensor outputs, Tensor desired)
    {
        Check(logits, outputs, desired);
        using var scope = NewDisposeScope();
        return Mean(logits.log_softmax(-1), outputs, desired).MoveToOuterDisposeScope();
    }

    private static Tensor Mean(Tensor logGates, Tensor outputs, Tensor desired)
    {
        Tensor error = (desired.unsqueeze(1) - outputs).pow(2).sum(-1);
        return -(logGates - (error * 0.5)).logsumexp(-1).sum() / Math.Max(desired.shape[0], 1);
    }

    private static double Least(ScalarType type) => type == ScalarType.Float64 ? 2.2250738585072014e-308 : 1.17549435e-38;

    private static void Check(Tensor gates, Tensor outputs, Tensor desired)
    {
        ArgumentNullException.ThrowIfNull(gates);
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentNullException.ThrowIfNull(desired);
        (long[] g, long[] o, long[] d) = (gates.shape, outputs.shape, desired.shape);
        if (g.Length != 2 || o.Length != 3 || d.Length != 2 || o[0] != g[0] || o[1] != g[1] || d[0] != g[0] || d[1] != o[2])
        {
            throw new ArgumentException(
                $"Gates [{string.Join(", ", g)}], outputs [{string.Join(", ", o)}] and desired [{string.Join(", ", d)}] are not [T,E], [T,E,O], [T,O].",
                nameof(outputs));
        }
    }
}
