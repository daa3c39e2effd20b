using ExpertCluster.Models.Decoding;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>Runs new tokens of the target through the decoder.</summary>
internal sealed class TargetStep(EncoderDecoderModel model, SliceState[] slices, int tokens, StepCapture? capture)
    : ModelStep(model, slices, tokens, capture)
{
    private readonly PositionBias _bias = new(model.Decoder.Bias, causal: true, model.Spec.Heads, model.Device);

    protected override int First => model.Encoder.Layers.Count;

    protected override int End => model.Shape.Layers;

    public override void Dispose()
    {
        base.Dispose();
        _bias.Dispose();
    }

    protected override Tensor Embed()
    {
        long[]? positions = model.Sinusoids is null ? null : new long[Tokens];
        foreach (SliceState slice in Slices)
        {
            slice.Sequence.Prepare(slice.Count, model.Device);
            model.Sinusoids?.Place(
                slice.Slice.Tokens.Span, slice.Position - slice.Sequence.Padding, positions.AsSpan(slice.Row, slice.Count));
        }

        using Tensor ids = Ids();
        return model.Embed(ids, positions);
    }

    protected override Tensor Compute(int layer)
    {
        int cache = layer - First;
        StackLayer current = model.Decoder.Layers[cache];
        using (Tensor normed = current.SelfNorm.Apply(Hidden))
        {
            current.Self.OverTarget(cache, normed, Hidden, Tokens, Slices, _bias);
        }

        using (Tensor normed = current.CrossNorm!.Apply(Hidden))
        {
            current.Cross!.FromTargetToSource(cache, normed, Hidden, Tokens, Slices);
        }

        return current.AddDense(Hidden);
    }

    protected override StepResult Finish()
    {
        using Tensor normed = model.Decoder.FinalNorm.Apply(Hidden);
        Capture?.AddHidden(ToArray(normed, model.Shape.HiddenSize));
        model.ScaleForHead(normed);
        float[][] logits = Logits(normed, model.Head);
        Commit(model.Spec.PaddingToken);
        return new StepResult(logits);
    }
}
