using ExpertCluster.Models.Decoding;
using ExpertCluster.Tensors;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models;

/// <summary>A decoder-only model.</summary>
public sealed class DecoderModel : SequenceModel
{
    private readonly DecoderLayer[] _layers;
    private readonly Scalar _epsilon;

    /// <summary>Takes the weights over. On the executor's thread.</summary>
    internal DecoderModel(ModelShape shape, DecoderSpec spec, DecoderWeights weights, DeviceExecutor executor)
        : base(shape, executor)
    {
        Spec = spec;
        Weights = weights;
        Cache = spec.Cache(shape.Layers);
        _epsilon = spec.NormEpsilon.ToScalar();
        Positions = new PositionTables(spec, Device);
        _layers = [.. weights.Layers.Select((layer, i) => new DecoderLayer(i, spec, layer, Device))];
    }

    /// <summary>What it computes.</summary>
    public DecoderSpec Spec { get; }

    internal DecoderWeights Weights { get; }

    internal PositionTables Positions { get; }

    internal override CacheSpec Cache { get; }

    internal DecoderLayer Layer(int layer) => _layers[layer];

    internal override DecoderGate? Gate(int layer) => _layers[layer].Gate;

    internal Tensor FinalNorm(Tensor hidden) => RmsNorm.Apply(hidden, Weights.FinalNorm, _epsilon);

    private protected override ModelStep CreateStep(SliceState[] slices, int tokens, StepCapture? capture) =>
        new DecoderStep(this, slices, tokens, capture);

    private protected override void FreeWeights()
    {
        Positions.Dispose();
        foreach (DecoderLayer layer in _layers)
        {
            layer.Dispose();
        }

        Weights.Dispose();
        _epsilon.Dispose();
    }
}
