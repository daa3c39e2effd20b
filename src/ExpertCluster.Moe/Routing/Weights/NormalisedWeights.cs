using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// The probabilities of the choices over their L_p norm, before any is dropped: p = 1 makes them sum to 1 (Mixtral, GShard, NLLB);
/// MegaBlocks allows any p. A factor may follow (DeepSeek-V3: 2.5). Choices whose probabilities all underflowed to 0 get weight 0: where a
/// selection may pass the most probable experts over, <see cref="ChosenSoftmaxWeights"/> weighs them right.
/// </summary>
public sealed class NormalisedWeights : IWeightPolicy
{
    // Smallest normal float32; below any sum that holds the most probable of some experts.
    private const double Least = 1.17549435e-38;

    /// <summary>The norm, above 0.</summary>
    public double Norm { get; init; } = 1;

    /// <summary>Added to the norm against division by 0.</summary>
    public double Epsilon { get; init; }

    /// <summary>Multiplies the result.</summary>
    public double Factor { get; init; } = 1;

    /// <inheritdoc/>
    public Tensor Weigh(RouterScores scores, ExpertSelection selection, Tensor? kept)
    {
        ArgumentNullException.ThrowIfNull(selection);
        Tensor gates = selection.Gates;
        Tensor norm = Norm == 1 ? gates.sum(-1, keepdim: true) : gates.pow(Norm).sum(-1, keepdim: true).pow(1 / Norm);
        Tensor weights = gates / (Epsilon > 0 ? norm + Epsilon : norm.clamp(Least));
        return Factor == 1 ? weights : weights * Factor;
    }
}
