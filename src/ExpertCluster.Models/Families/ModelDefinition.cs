using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;

namespace ExpertCluster.Models.Families;

/// <summary>One model of a family: its sizes, and how its weights are found in a checkpoint.</summary>
public abstract class ModelDefinition
{
    /// <summary>Sizes for planning.</summary>
    public abstract ModelShape Shape { get; }

    /// <summary>What a decoder-only model computes; null for others.</summary>
    public virtual DecoderSpec? Decoder => null;

    /// <summary>Bytes of one expert in memory, as float32.</summary>
    public abstract long ExpertBytes { get; }

    /// <summary>Checks from headers alone that every tensor is there with the right shape.</summary>
    /// <exception cref="CheckpointException">One is missing or has another shape.</exception>
    public abstract void Validate(CheckpointTensors tensors);

    /// <summary>Loads one expert; reads only its tensors.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="layer">Model layer index, one of <see cref="ModelShape.MoeLayers"/>.</param>
    /// <param name="expert">Index of the expert in the layer.</param>
    /// <param name="device">Where its weights go.</param>
    /// <param name="type">What its weights become and it computes in: float32 or bfloat16.</param>
    public abstract IExpertNetwork LoadExpert(CheckpointTensors tensors, int layer, int expert, torch.Device device, torch.ScalarType type);

    /// <summary>Loads everything but the experts. On the executor's thread.</summary>
    public abstract SequenceModel LoadDense(CheckpointTensors tensors, DeviceExecutor executor);
}
