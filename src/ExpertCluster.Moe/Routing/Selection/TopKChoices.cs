using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>The k experts that rank highest.</summary>
/// <param name="k">Experts per token, 1 to E.</param>
public sealed class TopKChoices(int k) : ISelectionPolicy
{
    /// <summary>Experts per token.</summary>
    public int K { get; } = k >= 1 ? k : throw new ArgumentOutOfRangeException(nameof(k), k, "A token goes to at least 1 expert.");

    /// <inheritdoc/>
    public ExpertSelection Select(RouterScores scores, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(scores);
        Tensor chosen = StableOrder.TopK(scores.Ranking, K);
        return new ExpertSelection(chosen, scores.Probabilities.gather(1, chosen));
    }
}
