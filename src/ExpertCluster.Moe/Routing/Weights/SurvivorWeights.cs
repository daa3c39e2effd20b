using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Probabilities normalised over the choices that were not dropped: a single survivor has weight 1 (DeepSpeed's top-2 gate,
/// <c>sharded_moe.py</c>).
/// </summary>
public sealed class SurvivorWeights : IWeightPolicy
{
    private const double Least = 1.1920929e-7;

    /// <inheritdoc/>
    public Tensor Weigh(RouterScores scores, ExpertSelection selection, Tensor? kept)
    {
        ArgumentNullException.ThrowIfNull(selection);
        Tensor gates = kept is null ? selection.Gates : selection.Gates.masked_fill(kept.logical_not(), 0);
        return gates / gates.sum(-1, keepdim: true).clamp(Least);
    }
}
