using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Every expert, in order of index: a dense mixture.</summary>
public sealed class AllExperts : ISelectionPolicy
{
    /// <inheritdoc/>
    public ExpertSelection Select(RouterScores scores, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(scores);
        Tensor all = arange(scores.Experts, dtype: ScalarType.Int64, device: scores.Logits.device).unsqueeze(0);
        return new ExpertSelection(all.expand(scores.Tokens, scores.Experts), scores.Probabilities);
    }
}
