using ExpertCluster.Models.Decoding;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>Reads sources through the encoder and leaves in each sequence the keys and values that the decoder's layers look up.</summary>
internal sealed class EncoderStep(EncoderDecoderModel model, SliceState[] slices, int tokens, StepCapture? capture)
    : ModelStep(model, slices, tokens, capture)
{
    private readonly PositionBias _bias = new(model.Encoder.Bias, causal: false, model.Spec.EncoderHeads, model.Device);

    protected override int First => 0;

    protected override int End => model.Encoder.Layers.Count;

    public override void Dispose()
    {
        base.Dispose();
        _bias.Dispose();
    }

    protected override Tensor Embed()
    {
        long[]? positions = null;
        if (model.Sinusoids is { } sinusoids)
        {
            positions = new long[Tokens];
            foreach (SliceState slice in Slices)
            {
                sinusoids.Place(slice.Slice.Tokens.Span, 0, positions.AsSpan(slice.Row, slice.Count));
            }
        }

        using Tensor ids = Ids();
        return model.Embed(ids, positions);
    }

    protected override Tensor Compute(int layer)
    {
        StackLayer current = model.Encoder.Layers[layer];
        using (Tensor normed = current.SelfNorm.Apply(Hidden))
        {
            current.Self.OverSource(normed, Hidden, Tokens, Slices, _bias);
        }

        return current.AddDense(Hidden);
    }

    protected override StepResult Finish()
    {
        using Tensor encoded = model.Encoder.FinalNorm.Apply(Hidden);
        Capture?.AddHidden(ToArray(encoded, model.Shape.HiddenSize));
        var memory = new List<Tensor[]>();
        try
        {
            foreach (StackLayer layer in model.Decoder.Layers)
            {
                memory.Add(layer.Cross!.Remember(encoded, Slices));
            }

            // None is given its source where one of the sequences was disposed meanwhile.
            foreach (SliceState slice in Slices)
            {
                ObjectDisposedException.ThrowIf(slice.Sequence.IsDisposed, slice.Sequence);
            }
        }
        catch
        {
            memory.ForEach(layer => Array.ForEach(layer, tensor => tensor.Dispose()));
            throw;
        }

        for (int i = 0; i < Slices.Length; i++)
        {
            Slices[i].Sequence.SetSource([.. memory.Select(layer => layer[i])], Slices[i].Count);
        }

        return new StepResult([.. Slices.Select(_ => Array.Empty<float>())]);
    }
}
