using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>CV² of a smooth count of tokens per expert: the probability of being chosen under a new draw of the noise.</summary>
public static class LoadLoss
{
    /// <summary>
    /// Σ over tokens of Φ((clean − threshold)/σ); the threshold is the (k+1)-th noisy logit for a chosen expert and the k-th for the
    /// others (Shazeer et al. 2017, arXiv:1701.06538, appendix A; tensor2tensor). Without noise, or when every expert is chosen, it is the
    /// plain count, which has no gradient.
    /// </summary>
    /// <param name="scores">Scores with noise.</param>
    /// <param name="chosen">Int64 [T,K], the k experts with the largest noisy logits, the largest first.</param>
    public static Tensor Shazeer(RouterScores scores, Tensor chosen)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(chosen);
        using var scope = NewDisposeScope();
        int k = (int)chosen.shape[1];
        Tensor load;
        if (scores.NoiseScale is null || k >= scores.Experts)
        {
            load = chosen.reshape(-1).bincount(null, scores.Experts).to(scores.Logits.dtype);
        }
        else
        {
            // The (k+1)-th is the largest of what is left: one pass, where topk would sort.
            Tensor taken = full(chosen.shape, double.NegativeInfinity, dtype: scores.Logits.dtype, device: chosen.device);
            Tensor ifIn = scores.NoisyLogits.scatter(1, chosen, taken).amax([1L], keepdim: true);
            Tensor ifOut = scores.NoisyLogits.gather(1, chosen.narrow(1, k - 1, 1));
            Tensor threshold = ifOut.expand_as(scores.Logits).scatter(1, chosen, ifIn.expand_as(chosen));
            load = (Erf(scores.Logits - threshold, scores.NoiseScale).sum([0L]) + scores.Tokens) * 0.5;
        }

        return ImportanceLoss.SquaredVariation(load, ImportanceVariance.PopulationWithEpsilon).MoveToOuterDisposeScope();
    }

    /// <summary>Mean over tokens of Φ((clean − k-th noisy logit)/σ) (vmoe <c>nn/routing.py</c>).</summary>
    /// <param name="logits">[T,E] without noise.</param>
    /// <param name="noisy">[T,E] with noise.</param>
    /// <param name="sigma">σ; null for 1/E.</param>
    /// <param name="k">Experts per token, 1 to E.</param>
    public static Tensor VMoe(Tensor logits, Tensor noisy, Tensor? sigma, int k)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(noisy);
        using var scope = NewDisposeScope();
        long[] shape = logits.shape;
        if (!shape.AsSpan().SequenceEqual(noisy.shape))
        {
            throw new ArgumentException($"Noisy logits [{string.Join(", ", noisy.shape)}] for logits [{string.Join(", ", shape)}].", nameof(noisy));
        }

        if (shape[0] == 0)
        {
            return zeros([], dtype: logits.dtype, device: logits.device).MoveToOuterDisposeScope();
        }

        return FromThreshold(logits, noisy.topk(k, -1).values.narrow(1, k - 1, 1), sigma).MoveToOuterDisposeScope();
    }

    /// <summary>V-MoE's load for choices already made: the threshold of each token is the noisy logit of its last choice.</summary>
    internal static Tensor OfChoices(RouterScores scores, Tensor chosen)
    {
        using var scope = NewDisposeScope();
        return scores.Tokens == 0
            ? zeros([], dtype: scores.Logits.dtype, device: scores.Logits.device).MoveToOuterDisposeScope()
            : FromThreshold(scores.Logits, scores.NoisyLogits.gather(1, chosen.narrow(1, chosen.shape[1] - 1, 1)), scores.NoiseScale).MoveToOuterDisposeScope();
    }

    /// <summary>Tutel's mean of importance and load.</summary>
    public static Tensor Tutel(Tensor logits, Tensor noisy, Tensor? sigma, int k)
    {
        ArgumentNullException.ThrowIfNull(logits);
        using var scope = NewDisposeScope();
        Tensor importance = ImportanceLoss.Compute(logits.softmax(-1), ImportanceVariance.Unbiased);
        Tensor threshold = noisy.topk(k, -1).values.narrow(1, k - 1, 1);
        Tensor load = (Erf(logits - threshold, sigma ?? full([], 1.0 / logits.shape[1], dtype: logits.dtype, device: logits.device)) + 1) * 0.5;
        return ((importance + ImportanceLoss.Compute(load, ImportanceVariance.Unbiased)) / 2).MoveToOuterDisposeScope();
    }

    private static Tensor FromThreshold(Tensor logits, Tensor threshold, Tensor? sigma)
    {
        Tensor chance = Erf(logits - threshold, sigma ?? full([], 1.0 / logits.shape[1], dtype: logits.dtype, device: logits.device));
        return ImportanceLoss.SquaredVariation((chance.mean([0L]) + 1) * 0.5, ImportanceVariance.Population);
    }

    /// <summary>2Φ(distance/σ) − 1. Scaling the sums instead of [T,E] tensors saves as much time as the function takes.</summary>
    private static Tensor Erf(Tensor distance, Tensor sigma) => (distance / sigma).mul_(Math.Sqrt(0.5)).erf();
}
