using ExpertCluster.Moe;
using TorchSharp;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>SwiGLU experts, stored separately or fused.</summary>
/// <param name="network">One of them.</param>
public sealed class SwiGluExperts(SwiGluBlock network) : ExpertsBlock
{
    /// <inheritdoc/>
    public override long Bytes => network.Bytes;

    /// <inheritdoc/>
    public override void Validate(WeightReader weights, string prefix, int experts) => network.ValidateExperts(weights, prefix, experts);

    /// <inheritdoc/>
    public override IExpertNetwork Load(WeightReader weights, string prefix, int expert, torch.Device device) =>
        network.LoadExpert(weights, prefix, expert, device);
}
