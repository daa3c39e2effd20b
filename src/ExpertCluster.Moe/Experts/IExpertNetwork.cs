using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>The feed-forward network of one expert, its weights on one device. Used on that device's executor thread only.</summary>
public interface IExpertNetwork : IDisposable
{
    /// <summary>Width H of its input and output.</summary>
    int HiddenSize { get; }

    /// <summary>Element type of its weights, which it computes in: float32 or bfloat16.</summary>
    ScalarType Type { get; }

    /// <summary>Bytes its weights take on the device.</summary>
    long Bytes { get; }

    /// <summary>Its weights and biases in a fixed order, as they lie on the device; they stay the network's.</summary>
    IReadOnlyList<Tensor> Weights => [];

    /// <summary>Computes the expert for a batch, every step of it in <see cref="Type"/>.</summary>
    /// <param name="rows">[n,H] on the expert's device; converted where they are of another type than <see cref="Type"/>.</param>
    /// <returns>[n,H] of <see cref="Type"/>, contiguous; the caller disposes it.</returns>
    Tensor Forward(Tensor rows);

    /// <summary>
    /// Computes the expert for a batch of float32 rows on the CPU into a tensor that is there already, with the same results, bit for bit, as
    /// <see cref="Forward(Tensor)"/>.
    /// </summary>
    /// <param name="rows">Float32 [count,H].</param>
    /// <param name="count">Number of rows, at least 1.</param>
    /// <param name="output">Receives float32 [count,H]; contiguous, apart from <paramref name="rows"/>.</param>
    /// <param name="workspace">What lies between.</param>
    void Forward(Tensor rows, int count, Tensor output, ExpertWorkspace workspace)
    {
        ArgumentNullException.ThrowIfNull(output);
        using Tensor result = Forward(rows);
        output.copy_(result);
    }
}
