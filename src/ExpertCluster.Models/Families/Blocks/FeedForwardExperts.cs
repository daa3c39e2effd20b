using ExpertCluster.Moe;
using TorchSharp;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>Two-matrix experts, each stored by itself or all fused.</summary>
/// <param name="network">One of them.</param>
/// <param name="prefix">What stands before an expert's index in its name.</param>
public sealed class FeedForwardExperts(FeedForwardBlock network, string prefix = "expert_") : ExpertsBlock
{
    private readonly string _prefix = prefix;

    /// <inheritdoc/>
    public override long Bytes => network.Bytes;

    /// <inheritdoc/>
    public override void Validate(WeightReader weights, string prefix, int experts)
    {
        if (network.IsFused(weights, prefix))
        {
            network.ValidateFused(weights, prefix, experts);
            return;
        }

        for (int expert = 0; expert < experts; expert++)
        {
            network.Validate(weights, Name(prefix, expert));
        }
    }

    /// <inheritdoc/>
    public override IExpertNetwork Load(WeightReader weights, string prefix, int expert, torch.Device device) =>
        network.IsFused(weights, prefix)
            ? network.LoadFused(weights, prefix, expert, device)
            : network.Load(weights, Name(prefix, expert), device);

    private string Name(string prefix, int expert) => $"{prefix}{_prefix}{expert}.";
}
