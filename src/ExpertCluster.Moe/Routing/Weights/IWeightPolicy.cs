using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>Last step of a gate: how much each chosen expert's answer counts.</summary>
public interface IWeightPolicy
{
    /// <summary>Weighs; the caller sets the weights of dropped choices to 0.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="selection">The choices, [T,K].</param>
    /// <param name="kept">Bool [T,K], or null when all are.</param>
    /// <returns>[T,K], differentiable.</returns>
    Tensor Weigh(RouterScores scores, ExpertSelection selection, Tensor? kept);
}
