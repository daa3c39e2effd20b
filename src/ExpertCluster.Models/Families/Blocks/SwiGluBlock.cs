using ExpertCluster.Moe;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>A SwiGLU network, or another gated linear unit, stored as three matrices.</summary>
/// <param name="hiddenSize">H.</param>
/// <param name="width">F.</param>
public sealed class SwiGluBlock(long hiddenSize, long width)
{
    /// <summary>Name of the matrix under the activation, [F,H].</summary>
    public string Gate { get; init; } = "gate_proj";

    /// <summary>Name of the matrix beside it, [F,H].</summary>
    public string Up { get; init; } = "up_proj";

    /// <summary>Name of the matrix back, [H,F].</summary>
    public string Down { get; init; } = "down_proj";

    /// <summary>What <see cref="Gate"/> goes through; GELU makes it GEGLU.</summary>
    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>Bytes as float32.</summary>
    public long Bytes => 3 * hiddenSize * width * sizeof(float);

    /// <summary>Checks from headers alone that the weights are there.</summary>
    public void Validate(WeightReader weights, string prefix)
    {
        weights.Require($"{prefix}{Gate}.weight", width, hiddenSize);
        weights.Require($"{prefix}{Down}.weight", hiddenSize, width);
        weights.Require($"{prefix}{Up}.weight", width, hiddenSize);
    }

    /// <summary>Loads the network.</summary>
    public IExpertNetwork Load(WeightReader weights, string prefix, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor both = weights.Stack(device, hiddenSize, ($"{prefix}{Gate}.weight", width), ($"{prefix}{Up}.weight", width));
        Tensor down = weights.Read($"{prefix}{Down}.weight", device, hiddenSize, width);
        return new SwiGluExpert(both.DetachFromDisposeScope(), down.DetachFromDisposeScope(), Activation);
    }

    /// <summary>Checks all experts of a layer: one by one, or fused as <c>gate_up_proj</c> [E,2F,H] and <c>down_proj</c> [E,H,F].</summary>
    public void ValidateExperts(WeightReader weights, string prefix, int experts)
    {
        if (Fused(weights, prefix))
        {
            weights.Require(prefix + "gate_up_proj", experts, 2 * width, hiddenSize);
            weights.Require(prefix + "down_proj", experts, hiddenSize, width);
            return;
        }

        for (int expert = 0; expert < experts; expert++)
        {
            Validate(weights, $"{prefix}{expert}.");
        }
    }

    /// <summary>Loads one expert of a layer, touching only its bytes.</summary>
    public IExpertNetwork LoadExpert(WeightReader weights, string prefix, int expert, Device device)
    {
        if (!Fused(weights, prefix))
        {
            return Load(weights, $"{prefix}{expert}.", device);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor both = weights.ReadPart(prefix + "gate_up_proj", expert, device, 2 * width, hiddenSize);
        Tensor down = weights.ReadPart(prefix + "down_proj", expert, device, hiddenSize, width);
        return new SwiGluExpert(both.DetachFromDisposeScope(), down.DetachFromDisposeScope(), Activation);
    }

    private static bool Fused(WeightReader weights, string prefix) => weights.Contains(prefix + "gate_up_proj");
}
