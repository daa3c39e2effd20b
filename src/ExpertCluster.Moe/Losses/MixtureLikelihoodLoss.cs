using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>
/// −log Σ g·exp(−½‖d − o‖²): each expert is judged by its own error, so that they specialise instead of cooperating (Jacobs, Jordan,
/// Nowlan and Hinton 1991, "Adaptive Mixtures of Local Experts", equation 1.3).
/// </summary>
public static class MixtureLikelihoodLoss
{
    /// <summary>Computes the mean over cases, by logsumexp, so that far-off experts don't underflow.</summary>
    /// <param name="gates">[T,E], rows sum to 1.</param>
    /// <param name="outputs">[T,E,O], every expert's own output.</param>
    /// <param name="desired">[T,O].</param>
    /// <returns>A scalar; 0 for no cases.</returns>
    /// <exception cref="ArgumentException">The shapes don't fit together.</exception>
    public static Tensor Compute(Tensor gates, Tensor outputs, Tensor desired)
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

        using var scope = NewDisposeScope();
        Tensor error = (desired.unsqueeze(1) - outputs).pow(2).sum(-1);
        Tensor likelihood = (gates.log() - (error * 0.5)).logsumexp(-1);
        return (-likelihood.sum() / Math.Max(g[0], 1)).MoveToOuterDisposeScope();
    }
}
