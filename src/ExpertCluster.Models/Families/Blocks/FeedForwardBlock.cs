using ExpertCluster.Moe;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>A network of two matrices with an activation between, as checkpoints store it.</summary>
/// <param name="hiddenSize">H.</param>
/// <param name="width">F.</param>
/// <param name="activation">Between the matrices.</param>
public sealed class FeedForwardBlock(long hiddenSize, long width, Activation activation)
{
    /// <summary>Name of the first matrix, [F,H].</summary>
    public string First { get; init; } = "wi";

    /// <summary>Name of the second, [H,F].</summary>
    public string Second { get; init; } = "wo";

    /// <summary>Whether both have a bias.</summary>
    public bool Bias { get; init; }

    /// <summary>Bytes as float32.</summary>
    public long Bytes => ((2 * hiddenSize * width) + (Bias ? hiddenSize + width : 0)) * sizeof(float);

    /// <summary>Checks from headers alone that the weights are there.</summary>
    public void Validate(WeightReader weights, string prefix)
    {
        weights.Require($"{prefix}{First}.weight", width, hiddenSize);
        weights.Require($"{prefix}{Second}.weight", hiddenSize, width);
        if (Bias)
        {
            weights.Require($"{prefix}{First}.bias", width);
            weights.Require($"{prefix}{Second}.bias", hiddenSize);
        }
    }

    /// <summary>Whether the networks of a layer are stored as one, <c>wi</c> [E,F,H] and <c>wo</c> [E,H,F]; only without biases.</summary>
    public bool IsFused(WeightReader weights, string prefix) => !Bias && weights.Contains(prefix + First);

    /// <summary>Checks fused networks.</summary>
    public void ValidateFused(WeightReader weights, string prefix, int count)
    {
        weights.Require(prefix + First, count, width, hiddenSize);
        weights.Require(prefix + Second, count, hiddenSize, width);
    }

    /// <summary>Loads one of several fused networks, touching only its bytes.</summary>
    public IExpertNetwork LoadFused(WeightReader weights, string prefix, int index, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor first = weights.ReadPart(prefix + First, index, device, width, hiddenSize);
        Tensor second = weights.ReadPart(prefix + Second, index, device, hiddenSize, width);
        return new FeedForwardExpert(first.DetachFromDisposeScope(), null, second.DetachFromDisposeScope(), null, activation);
    }

    /// <summary>Loads the network.</summary>
    public IExpertNetwork Load(WeightReader weights, string prefix, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor first = weights.Read($"{prefix}{First}.weight", device, width, hiddenSize);
        Tensor second = weights.Read($"{prefix}{Second}.weight", device, hiddenSize, width);
        Tensor? firstBias = Bias ? weights.Read($"{prefix}{First}.bias", device, width) : null;
        Tensor? secondBias = Bias ? weights.Read($"{prefix}{Second}.bias", device, hiddenSize) : null;
        return new FeedForwardExpert(
            first.DetachFromDisposeScope(), firstBias?.DetachFromDisposeScope(), second.DetachFromDisposeScope(),
            secondBias?.DetachFromDisposeScope(), activation);
    }
}
