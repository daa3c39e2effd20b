using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>The feed-forward network of one expert, its weights on one device. Used on that device's executor thread only.</summary>
public interface IExpertNetwork : IDisposable
{
    /// <summary>Width H of its input and output.</summary>
    int HiddenSize { get; }

    /// <summary>Bytes its weights take on the device.</summary>
    long Bytes { get; }

    /// <summary>Computes the expert for a batch.</summary>
    /// <param name="rows">Float32 [n,H] on the expert's device.</param>
    /// <returns>Float32 [n,H], contiguous; the caller disposes it.</returns>
    Tensor Forward(Tensor rows);
}
