using ExpertCluster.Models.EncoderDecoder;
using ExpertCluster.Models.Families.Blocks;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families;

/// <summary>An encoder–decoder composed of two stacks over one embedding. Layers count through, the encoder's first.</summary>
internal sealed class EncoderDecoderDefinition(ModelShape shape, EncoderDecoderSpec spec) : ModelDefinition
{
    private const string Head = "lm_head.weight";

    public WeightFormat Format { get; init; } = WeightFormat.Plain;

    /// <summary>Name of the embedding, [V,H].</summary>
    public required string Embedding { get; init; }

    /// <summary>Whether the head's weight is the embedding's.</summary>
    public required bool TiedHead { get; init; }

    public required StackBlock EncoderStack { get; init; }

    public required StackBlock DecoderStack { get; init; }

    /// <inheritdoc/>
    public override ModelShape Shape => shape;

    /// <summary>Of the larger, where encoder and decoder differ.</summary>
    public override long ExpertBytes => Math.Max(EncoderStack.Moe.Experts.Bytes, DecoderStack.Moe.Experts.Bytes);

    /// <inheritdoc/>
    public override void Validate(CheckpointTensors tensors)
    {
        var weights = new WeightReader(tensors, Format);
        weights.Require(Embedding, shape.VocabularySize, shape.HiddenSize);
        if (!TiedHead)
        {
            weights.Require(Head, shape.VocabularySize, shape.HiddenSize);
        }

        EncoderStack.Validate(weights, shape.HiddenSize);
        DecoderStack.Validate(weights, shape.HiddenSize);
    }

    /// <inheritdoc/>
    public override IExpertNetwork LoadExpert(CheckpointTensors tensors, int layer, int expert, Device device, ScalarType type)
    {
        (StackBlock stack, int index) = layer < EncoderStack.Layers ? (EncoderStack, layer) : (DecoderStack, layer - EncoderStack.Layers);
        return stack.Moe.Experts.Load(
            new WeightReader(tensors, Format, type), $"{stack.Names(index).Network}{stack.Moe.Name}experts.", expert, device);
    }

    /// <inheritdoc/>
    public override SequenceModel LoadDense(CheckpointTensors tensors, DeviceExecutor executor)
    {
        var weights = new WeightReader(tensors, Format);
        Device device = executor.TorchDevice;
        using DisposeScope scope = NewDisposeScope();
        Tensor embedding = weights.Read(Embedding, device, shape.VocabularySize, shape.HiddenSize);
        Tensor head = TiedHead ? embedding.alias() : weights.Read(Head, device, shape.VocabularySize, shape.HiddenSize);
        return new EncoderDecoderModel(
            shape, spec, embedding.DetachFromDisposeScope(), EncoderStack.Load(weights, shape.HiddenSize, device),
            DecoderStack.Load(weights, shape.HiddenSize, device), head.DetachFromDisposeScope(), executor);
    }
}
