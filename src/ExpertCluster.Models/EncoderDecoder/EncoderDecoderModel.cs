using ExpertCluster.Models.Decoding;
using ExpertCluster.Tensors;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>
/// An encoder–decoder. A sequence starts with a step that reads the source through the encoder; the steps after it go through the
/// decoder. Layers are numbered through: the encoder's first, then the decoder's.
/// </summary>
internal sealed class EncoderDecoderModel : SequenceModel
{
    private readonly Tensor _embedding;
    private readonly Scalar? _embeddingScale;
    private readonly Scalar? _headScale;

    /// <summary>Takes the weights over. On the executor's thread.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="spec">What it computes.</param>
    /// <param name="embedding">Token embedding of both stacks, [V,H].</param>
    /// <param name="encoder">The encoder.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="head">[V,H].</param>
    /// <param name="executor">The executor.</param>
    public EncoderDecoderModel(
        ModelShape shape, EncoderDecoderSpec spec, Tensor embedding, Stack encoder, Stack decoder, Tensor head, DeviceExecutor executor)
        : base(shape, executor)
    {
        Spec = spec;
        Encoder = encoder;
        Decoder = decoder;
        Head = head;
        Cache = new CacheSpec(decoder.Layers.Count, 2, spec.Heads, spec.HeadDim, null);
        _embedding = embedding;
        _embeddingScale = spec.EmbeddingScale == 1 ? null : spec.EmbeddingScale.ToScalar();
        _headScale = spec.HeadScale == 1 ? null : spec.HeadScale.ToScalar();
        Sinusoids = spec.PaddingToken is { } padding ? new SinusoidTable(shape.HiddenSize, padding, Device) : null;
    }

    public EncoderDecoderSpec Spec { get; }

    public Stack Encoder { get; }

    public Stack Decoder { get; }

    public Tensor Head { get; }

    /// <summary>Positions added to the embedding; null where they are relative.</summary>
    public SinusoidTable? Sinusoids { get; }

    internal override CacheSpec Cache { get; }

    /// <summary>Embedding of ids [T] with their positions, [T,H]; the caller disposes it.</summary>
    public Tensor Embed(Tensor ids, long[]? positions)
    {
        Tensor rows = _embedding.index_select(0, ids);
        if (_embeddingScale is not null)
        {
            rows.mul_(_embeddingScale);
        }

        if (positions is not null)
        {
            using Tensor added = Sinusoids!.Rows(positions);
            rows.add_(added);
        }

        return rows;
    }

    /// <summary>The decoder's output, [T,H], scaled in place for the head.</summary>
    public void ScaleForHead(Tensor normed)
    {
        if (_headScale is not null)
        {
            normed.mul_(_headScale);
        }
    }

    internal override DecoderGate? Gate(int layer) => layer < Encoder.Layers.Count
        ? Encoder.Layers[layer].Gate
        : Decoder.Layers[layer - Encoder.Layers.Count].Gate;

    private protected override ModelStep CreateStep(SliceState[] slices, int tokens, StepCapture? capture) => slices[0].Slice.Encode
        ? new EncoderStep(this, slices, tokens, capture)
        : new TargetStep(this, slices, tokens, capture);

    private protected override void FreeWeights()
    {
        foreach (IDisposable? part in (IDisposable?[])[_embedding, _embeddingScale, _headScale, Encoder, Decoder, Head, Sinusoids])
        {
            part?.Dispose();
        }
    }
}
