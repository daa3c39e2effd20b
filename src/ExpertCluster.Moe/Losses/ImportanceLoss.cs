using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>CV² of the experts' importance, the sum of their gates over the batch (Shazeer et al. 2017, arXiv:1701.06538, equation 7).</summary>
public static class ImportanceLoss
{
    /// <summary>From gates for every expert.</summary>
    /// <param name="gates">[T,E].</param>
    /// <param name="variance">Which code to follow.</param>
    /// <returns>A scalar; 0 for no tokens.</returns>
    public static Tensor Compute(Tensor gates, ImportanceVariance variance)
    {
        ArgumentNullException.ThrowIfNull(gates);
        using var scope = NewDisposeScope();
        return SquaredVariation(gates.sum([0L]), variance).MoveToOuterDisposeScope();
    }

    /// <summary>From the weights of chosen experts; all others count 0. tensor2tensor's variance.</summary>
    /// <param name="weights">[T,K].</param>
    /// <param name="chosen">Int64 [T,K].</param>
    /// <param name="experts">E.</param>
    public static Tensor OfChoices(Tensor weights, Tensor chosen, int experts)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(chosen);
        using var scope = NewDisposeScope();
        Tensor importance = zeros(experts, dtype: weights.dtype, device: weights.device)
            .index_add(0, chosen.reshape(-1), weights.reshape(-1), 1);
        return SquaredVariation(importance, ImportanceVariance.PopulationWithEpsilon).MoveToOuterDisposeScope();
    }

    /// <summary>Squared coefficient of variation of a vector; 0 where the mean is 0 or a variance needs more values.</summary>
    internal static Tensor SquaredVariation(Tensor values, ImportanceVariance variance)
    {
        Tensor mean = values.mean();
        Tensor deviation = (values - mean).pow(2);
        long count = values.NumberOfElements;
        Tensor spread = variance == ImportanceVariance.Unbiased ? deviation.sum() / Math.Max(count - 1, 1) : deviation.mean();
        Tensor square = mean.pow(2);
        // Without tokens there is neither mean nor spread; a floor far below any real mean keeps 0/0 out.
        return spread / (variance == ImportanceVariance.Population ? square.clamp(1e-30) : square + 1e-10);
    }
}
