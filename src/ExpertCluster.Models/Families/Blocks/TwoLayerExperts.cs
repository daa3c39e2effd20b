using ExpertCluster.Moe;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>
/// Experts of two layers without gate or biases, stored one by one as <c>E.wi.weight</c> [F,H] and <c>E.wo.weight</c> [H,F], or fused as
/// <c>wi</c> [E,F,H] and <c>wo</c> [E,H,F].
/// </summary>
/// <param name="hiddenSize">H.</param>
/// <param name="width">F.</param>
/// <param name="activation">Between the layers.</param>
public sealed class TwoLayerExperts(long hiddenSize, long width, Activation activation) : ExpertsBlock
{
    /// <inheritdoc/>
    public override long Bytes => 2 * hiddenSize * width * sizeof(float);

    /// <inheritdoc/>
    public override void Validate(WeightReader weights, string prefix, int experts)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (Fused(weights, prefix))
        {
            weights.Require(prefix + "wi", experts, width, hiddenSize);
            weights.Require(prefix + "wo", experts, hiddenSize, width);
            return;
        }

        for (int expert = 0; expert < experts; expert++)
        {
            weights.Require($"{prefix}{expert}.wi.weight", width, hiddenSize);
            weights.Require($"{prefix}{expert}.wo.weight", hiddenSize, width);
        }
    }

    /// <inheritdoc/>
    public override IExpertNetwork Load(WeightReader weights, string prefix, int expert, Device device)
    {
        ArgumentNullException.ThrowIfNull(weights);
        using DisposeScope scope = NewDisposeScope();
        bool fused = Fused(weights, prefix);
        Tensor first = Read("wi", width, hiddenSize);
        Tensor second = Read("wo", hiddenSize, width);
        return new FeedForwardExpert(first.DetachFromDisposeScope(), null, second.DetachFromDisposeScope(), null, activation);

        Tensor Read(string name, params long[] shape) => fused
            ? weights.ReadPart(prefix + name, expert, device, shape)
            : weights.Read($"{prefix}{expert}.{name}.weight", device, shape);
    }

    private static bool Fused(WeightReader weights, string prefix) => weights.Contains(prefix + "wi");
}
