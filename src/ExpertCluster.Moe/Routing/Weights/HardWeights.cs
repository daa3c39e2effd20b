using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// Weight 1 for each choice. With a straight-through gradient the backward pass is that of the probabilities (Bengio, Léonard and
/// Courville 2013, arXiv:1308.3432, section 4); without, nothing flows and the gate learns by REINFORCE.
/// </summary>
/// <param name="straightThrough">Whether the gradient passes.</param>
public sealed class HardWeights(bool straightThrough) : IWeightPolicy
{
    /// <inheritdoc/>
    public Tensor Weigh(RouterScores scores, ExpertSelection selection, Tensor? kept)
    {
        ArgumentNullException.ThrowIfNull(selection);
        Tensor gates = selection.Gates;
        // (1 − p) is a constant to autograd, so the value is 1 and the derivative that of p.
        return straightThrough ? gates + (1 - gates).detach() : ones_like(gates).detach();
    }
}
