using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Softmax over the (noisy) logits of the chosen experts alone (Shazeer et al. 2017, equation 3): they sum to 1.</summary>
public sealed class ChosenSoftmaxWeights : IWeightPolicy
{
    /// <inheritdoc/>
    public Tensor Weigh(RouterScores scores, ExpertSelection selection, Tensor? kept)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(selection);
        return scores.NoisyLogits.gather(1, selection.Experts).softmax(-1);
    }
}
