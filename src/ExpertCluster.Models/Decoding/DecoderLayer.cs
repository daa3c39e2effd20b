using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>The dense part of a decoder layer.</summary>
internal sealed class DecoderLayer : IDisposable
{
    private readonly DecoderLayerWeights _weights;
    private readonly Attention _attention;
    private readonly Scalar _epsilon;

    public DecoderLayer(int index, DecoderSpec spec, DecoderLayerWeights weights, Device device)
    {
        _weights = weights;
        _attention = weights.Attention.Prepare(index, spec, device);
        _epsilon = spec.NormEpsilon.ToScalar();
    }

    /// <summary>The gate; null where the layer has no experts.</summary>
    public DecoderGate? Gate => _weights.Gate;

    /// <summary>Adds attention's output to <paramref name="hidden"/> [T,H] in place, appending to the slices' caches.</summary>
    public void Attend(Tensor hidden, int rows, StepPositions positions, SliceState[] slices)
    {
        using Tensor normed = RmsNorm.Apply(hidden, _weights.InputNorm, _epsilon);
        _attention.Attend(normed, hidden, rows, positions, slices);
    }

    /// <summary>The norm before experts or dense network, [T,H]; the caller disposes the result.</summary>
    public Tensor SecondNorm(Tensor hidden) => RmsNorm.Apply(hidden, _weights.PostAttentionNorm, _epsilon);

    /// <summary>Adds to <paramref name="hidden"/> what every one of <paramref name="rows"/> [T,H] goes through here.</summary>
    public void AddDense(Tensor hidden, Tensor rows)
    {
        _weights.Shared?.AddTo(hidden, rows);
        if (_weights.Dense is { } network)
        {
            using Tensor answer = network.Forward(rows);
            hidden.add_(answer);
        }
    }

    public void Dispose()
    {
        _attention.Dispose();
        _epsilon.Dispose();
    }
}
