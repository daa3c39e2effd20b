using ExpertCluster.Models.Decoding;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>What stands where a layer has experts: gate, experts, and a shared expert where the family has one.</summary>
public sealed class MoeBlock
{
    /// <summary>Name of the block within a layer, ending in a dot.</summary>
    public string Name { get; init; } = "mlp.";

    /// <summary>Name of the gate within the block.</summary>
    public string Gate { get; init; } = "gate";

    /// <summary>Whether the gate has a bias.</summary>
    public bool GateBias { get; init; }

    /// <summary>Name within the gate of a correction that counts for choosing only, [E]; null for none.</summary>
    public string? Correction { get; init; }

    /// <summary>What follows from the gate's logits.</summary>
    public required RouterRule Rule { get; init; }

    /// <summary>The experts.</summary>
    public required ExpertsBlock Experts { get; init; }

    /// <summary>The shared expert; null for none.</summary>
    public SwiGluBlock? Shared { get; init; }

    /// <summary>Its name within the block.</summary>
    public string SharedName { get; init; } = "shared_experts";

    /// <summary>Name within the block of the shared expert's own gate, [1,H]; null for none.</summary>
    public string? SharedGate { get; init; }

    /// <summary>Checks from headers alone that a layer's weights are there.</summary>
    public void Validate(WeightReader weights, string layer, long hiddenSize)
    {
        string prefix = layer + Name;
        weights.Require($"{prefix}{Gate}.weight", Rule.Experts, hiddenSize);
        if (GateBias)
        {
            weights.Require($"{prefix}{Gate}.bias", Rule.Experts);
        }

        if (Correction is not null)
        {
            weights.Require($"{prefix}{Gate}.{Correction}", Rule.Experts);
        }

        Experts.Validate(weights, prefix + "experts.", Rule.Experts);
        Shared?.Validate(weights, $"{prefix}{SharedName}.");
        if (SharedGate is not null)
        {
            weights.Require($"{prefix}{SharedGate}.weight", 1, hiddenSize);
        }
    }

    /// <summary>Loads a layer's gate.</summary>
    public DecoderGate LoadGate(WeightReader weights, string layer, long hiddenSize, Device device)
    {
        string prefix = $"{layer}{Name}{Gate}.";
        float[]? correction = null;
        if (Correction is not null)
        {
            using Tensor values = weights.Read(prefix + Correction, CPU, Rule.Experts);
            correction = values.data<float>().ToArray();
        }

        Tensor weight = weights.Read(prefix + "weight", device, Rule.Experts, hiddenSize).DetachFromDisposeScope();
        Tensor? bias = GateBias ? weights.Read(prefix + "bias", device, Rule.Experts).DetachFromDisposeScope() : null;
        return new DecoderGate(Rule, weight, bias, correction);
    }

    /// <summary>Loads a layer's shared expert; null where there is none.</summary>
    public SharedExpert? LoadShared(WeightReader weights, string layer, long hiddenSize, Device device)
    {
        if (Shared is null)
        {
            return null;
        }

        Tensor? gate = SharedGate is null
            ? null
            : weights.Read($"{layer}{Name}{SharedGate}.weight", device, 1, hiddenSize).DetachFromDisposeScope();
        return new SharedExpert(Shared.Load(weights, $"{layer}{Name}{SharedName}.", device), gate);
    }
}
