using ExpertCluster.Moe;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// An expert that takes every token beside the routed ones (DeepSeekMoE, Dai et al. 2024, arXiv:2401.06066), computed with the dense
/// part. Qwen2-MoE weighs it with a sigmoid of its own gate.
/// </summary>
/// <param name="network">The expert, owned.</param>
/// <param name="gate">Float32 [1,H], owned; null for a weight of 1.</param>
public sealed class SharedExpert(IExpertNetwork network, Tensor? gate) : IDisposable
{
    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        network.Dispose();
        gate?.Dispose();
    }

    /// <summary>Adds the expert's output for <paramref name="rows"/> [T,H] to <paramref name="hidden"/> [T,H].</summary>
    internal void AddTo(Tensor hidden, Tensor rows)
    {
        using Tensor answer = network.Forward(rows);
        if (gate is not null)
        {
            using Tensor weight = nn.functional.linear(rows, gate);
            weight.sigmoid_();
            answer.mul_(weight);
        }

        hidden.add_(answer);
    }
}
