using ExpertCluster.Moe;
using TorchSharp;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>A kind of routed experts as checkpoints store them.</summary>
public abstract class ExpertsBlock
{
    /// <summary>Bytes of one expert as float32.</summary>
    public abstract long Bytes { get; }

    /// <summary>Checks from headers alone that all experts of a layer are there.</summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="prefix">Name of the layer's experts, ending in a dot.</param>
    /// <param name="experts">E.</param>
    public abstract void Validate(WeightReader weights, string prefix, int experts);

    /// <summary>Loads one in the reader's type, touching only its own bytes.</summary>
    public abstract IExpertNetwork Load(WeightReader weights, string prefix, int expert, torch.Device device);
}
