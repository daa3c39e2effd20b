using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>The probabilities as they are (Switch, V-MoE, OLMoE): they sum to less than 1.</summary>
public sealed class ProbabilityWeights : IWeightPolicy
{
    /// <inheritdoc/>
    public Tensor Weigh(RouterScores scores, ExpertSelection selection, Tensor? kept)
    {
        ArgumentNullException.ThrowIfNull(selection);
        return selection.Gates;
    }
}
