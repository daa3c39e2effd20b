using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>
/// The score-function estimator: a term whose gradient is that of the expected loss with respect to the choice's probabilities
/// (Williams 1992). Add it to the task's loss, which trains the experts.
/// </summary>
public static class ReinforceLoss
{
    /// <summary>Mean over tokens of log p(choice)·(loss − baseline), the latter without gradient.</summary>
    /// <param name="logProbability">[T], of the drawn choices.</param>
    /// <param name="loss">[T], the loss of each token.</param>
    /// <param name="baseline">[T] or a scalar that does not depend on the choice; lowers the variance. Null for 0.</param>
    public static Tensor Compute(Tensor logProbability, Tensor loss, Tensor? baseline = null)
    {
        ArgumentNullException.ThrowIfNull(logProbability);
        ArgumentNullException.ThrowIfNull(loss);
        if (!logProbability.shape.AsSpan().SequenceEqual(loss.shape))
        {
            throw new ArgumentException(
                $"Losses [{string.Join(", ", loss.shape)}] for {string.Join(", ", logProbability.shape)} choices; one per token is needed.", nameof(loss));
        }

        using var scope = NewDisposeScope();
        Tensor advantage = (baseline is null ? loss : loss - baseline).detach();
        return ((logProbability * advantage).sum() / Math.Max(loss.NumberOfElements, 1)).MoveToOuterDisposeScope();
    }
}
