using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Which experts each token wants, before capacity.</summary>
/// <param name="Experts">Int64 [T,K], each token's choices in descending order, equal ones by index.</param>
/// <param name="Gates">[T,K], the probabilities of the choices; differentiable.</param>
/// <param name="Wanted">Bool [T,K]; a choice that is not wanted takes no slot. Null when all are.</param>
public sealed record ExpertSelection(Tensor Experts, Tensor Gates, Tensor? Wanted = null)
{
    /// <summary>log of the probability that exactly this was drawn, [T]; null unless the choice was drawn at random.</summary>
    public Tensor? LogProbability { get; init; }
}
