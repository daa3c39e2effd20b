using ExpertCluster.Models.EncoderDecoder;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>A norm as encoder–decoders store it.</summary>
/// <param name="hiddenSize">H.</param>
/// <param name="bias">Whether it is a layer norm, with a bias, or a root-mean-square norm, without.</param>
/// <param name="epsilon">Added to the variance or mean square.</param>
internal sealed class NormBlock(long hiddenSize, bool bias, double epsilon)
{
    public void Validate(WeightReader weights, string name)
    {
        weights.Require(name + ".weight", hiddenSize);
        if (bias)
        {
            weights.Require(name + ".bias", hiddenSize);
        }
    }

    public Norm Load(WeightReader weights, string name, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = weights.Read(name + ".weight", device, hiddenSize);
        Tensor? added = bias ? weights.Read(name + ".bias", device, hiddenSize) : null;
        return new Norm(weight.DetachFromDisposeScope(), added?.DetachFromDisposeScope(), epsilon);
    }
}
