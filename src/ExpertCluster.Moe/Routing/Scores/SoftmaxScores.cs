using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Softmax over all experts; ranks by the probabilities.</summary>
public sealed class SoftmaxScores : IScorePolicy
{
    /// <summary>
    /// Whether experts are ranked by their logits instead. The order is the same but for rounding; what a selection may pass the most probable
    /// experts over for can then still be told apart where its probabilities underflow.
    /// </summary>
    public bool RankByLogits { get; init; }

    /// <inheritdoc/>
    public RouterScores Score(RouterOutput router, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(router);
        Tensor probabilities = router.Logits.softmax(-1);
        return new RouterScores(router.Logits, probabilities, RankByLogits ? router.Logits : probabilities);
    }
}
