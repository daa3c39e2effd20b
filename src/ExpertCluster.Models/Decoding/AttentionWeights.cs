using TorchSharp;

namespace ExpertCluster.Models.Decoding;

/// <summary>Weights of one layer's attention; float32 on one device, owned by this object. A kind of attention is a subclass.</summary>
public abstract class AttentionWeights : IDisposable
{
    /// <summary>Frees the weights.</summary>
    public abstract void Dispose();

    /// <summary>Makes ready to compute; may fold constants into the weights. Once, on the executor's thread.</summary>
    internal abstract Attention Prepare(int layer, DecoderSpec spec, torch.Device device);
}
