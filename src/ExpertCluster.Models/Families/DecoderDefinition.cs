using ExpertCluster.Models.Decoding;
using ExpertCluster.Models.Families.Blocks;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families;

/// <summary>A decoder-only model composed of blocks, its tensors named as Hugging Face publishes them.</summary>
public sealed class DecoderDefinition : ModelDefinition
{
    private const string Embedding = "model.embed_tokens.weight";
    private const string FinalNorm = "model.norm.weight";
    private const string Head = "lm_head.weight";

    private readonly ModelShape _shape;
    private readonly DecoderSpec _spec;
    private readonly HashSet<int> _moeLayers;

    /// <summary>Creates a definition.</summary>
    public DecoderDefinition(ModelShape shape, DecoderSpec spec)
    {
        ArgumentNullException.ThrowIfNull(shape);
        _shape = shape;
        _spec = spec;
        _moeLayers = [.. shape.MoeLayers];
    }

    /// <summary>How weights are stored.</summary>
    public WeightFormat Format { get; init; } = WeightFormat.Plain;

    /// <summary>Attention of every layer.</summary>
    public required AttentionBlock Attention { get; init; }

    /// <summary>What layers with experts have.</summary>
    public required MoeBlock Moe { get; init; }

    /// <summary>The network of layers without experts; needed where there are such layers.</summary>
    public SwiGluBlock? Dense { get; init; }

    /// <inheritdoc/>
    public override ModelShape Shape => _shape;

    /// <inheritdoc/>
    public override DecoderSpec Decoder => _spec;

    /// <inheritdoc/>
    public override long ExpertBytes => Moe.Experts.Bytes;

    private long H => _shape.HiddenSize;

    /// <inheritdoc/>
    public override void Validate(CheckpointTensors tensors)
    {
        var weights = new WeightReader(tensors, Format);
        weights.Require(Embedding, _shape.VocabularySize, H);
        weights.Require(FinalNorm, H);
        if (!_spec.TiedHead)
        {
            weights.Require(Head, _shape.VocabularySize, H);
        }

        for (int layer = 0; layer < _shape.Layers; layer++)
        {
            string prefix = Layer(layer);
            weights.Require(prefix + "input_layernorm.weight", H);
            weights.Require(prefix + "post_attention_layernorm.weight", H);
            Attention.Validate(weights, prefix + "self_attn.");
            if (_moeLayers.Contains(layer))
            {
                Moe.Validate(weights, prefix, H);
            }
            else
            {
                Dense!.Validate(weights, prefix + "mlp.");
            }
        }
    }

    /// <inheritdoc/>
    public override IExpertNetwork LoadExpert(CheckpointTensors tensors, int layer, int expert, Device device, ScalarType type) =>
        Moe.Experts.Load(new WeightReader(tensors, Format, type), $"{Layer(layer)}{Moe.Name}experts.", expert, device);

    /// <inheritdoc/>
    public override SequenceModel LoadDense(CheckpointTensors tensors, DeviceExecutor executor) =>
        new DecoderModel(_shape, _spec, LoadWeights(tensors, executor.TorchDevice), executor);

    private static string Layer(int layer) => $"model.layers.{layer}.";

    private DecoderWeights LoadWeights(CheckpointTensors tensors, Device device)
    {
        var weights = new WeightReader(tensors, Format);
        using DisposeScope scope = NewDisposeScope();
        Tensor embedding = weights.Read(Embedding, device, _shape.VocabularySize, H);
        Tensor head = _spec.TiedHead ? embedding.alias() : weights.Read(Head, device, _shape.VocabularySize, H);
        var layers = new DecoderLayerWeights[_shape.Layers];
        for (int layer = 0; layer < layers.Length; layer++)
        {
            layers[layer] = LoadLayer(weights, layer, device);
        }

        Tensor norm = weights.Read(FinalNorm, device, H);
        return new DecoderWeights(
            embedding.DetachFromDisposeScope(), layers, norm.DetachFromDisposeScope(), head.DetachFromDisposeScope());
    }

    private DecoderLayerWeights LoadLayer(WeightReader weights, int layer, Device device)
    {
        string prefix = Layer(layer);
        bool moe = _moeLayers.Contains(layer);
        return new DecoderLayerWeights
        {
            InputNorm = weights.Read(prefix + "input_layernorm.weight", device, H).DetachFromDisposeScope(),
            Attention = Attention.Load(weights, prefix + "self_attn.", device),
            PostAttentionNorm = weights.Read(prefix + "post_attention_layernorm.weight", device, H).DetachFromDisposeScope(),
            Gate = moe ? Moe.LoadGate(weights, prefix, H, device) : null,
            Shared = moe ? Moe.LoadShared(weights, prefix, H, device) : null,
            Dense = moe ? null : Dense!.Load(weights, prefix + "mlp.", device),
        };
    }
}
