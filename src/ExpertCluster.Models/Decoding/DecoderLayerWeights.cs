using ExpertCluster.Moe;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// Weights of one decoder layer without its routed experts; float32 on one device, owned by this object. A layer has either a gate or
/// a dense network.
/// </summary>
public sealed class DecoderLayerWeights : IDisposable
{
    /// <summary>RMS norm before attention, [H].</summary>
    public required Tensor InputNorm { get; init; }

    /// <summary>Attention.</summary>
    public required AttentionWeights Attention { get; init; }

    /// <summary>RMS norm before experts or dense network, [H].</summary>
    public required Tensor PostAttentionNorm { get; init; }

    /// <summary>The gate of a layer with experts.</summary>
    public DecoderGate? Gate { get; init; }

    /// <summary>What every token goes through beside its experts.</summary>
    public SharedExpert? Shared { get; init; }

    /// <summary>The feed-forward network of a layer without experts.</summary>
    public IExpertNetwork? Dense { get; init; }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        InputNorm.Dispose();
        Attention.Dispose();
        PostAttentionNorm.Dispose();
        Gate?.Dispose();
        Shared?.Dispose();
        Dense?.Dispose();
    }
}
