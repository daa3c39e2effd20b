using ExpertCluster.Models.Decoding;
using TorchSharp;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>A kind of attention as checkpoints store it.</summary>
public abstract class AttentionBlock
{
    /// <summary>Checks from headers alone that a layer's weights are there.</summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="prefix">Name of the layer's attention, ending in a dot.</param>
    public abstract void Validate(WeightReader weights, string prefix);

    /// <summary>Loads a layer's weights, detached from any dispose scope.</summary>
    public abstract AttentionWeights Load(WeightReader weights, string prefix, torch.Device device);
}
