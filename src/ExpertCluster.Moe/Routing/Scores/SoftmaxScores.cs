using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Softmax over all experts; ranks by the probabilities.</summary>
public sealed class SoftmaxScores : IScorePolicy
{
    /// <inheritdoc/>
    public RouterScores Score(RouterOutput router, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(router);
        Tensor probabilities = router.Logits.softmax(-1);
        return new RouterScores(router.Logits, probabilities, probabilities);
    }
}
