using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>A step of a decoder-only model.</summary>
internal sealed class DecoderStep(DecoderModel model, SliceState[] slices, int tokens, StepCapture? capture)
    : ModelStep(model, slices, tokens, capture)
{
    private StepPositions? _positions;

    protected override int First => 0;

    protected override int End => model.Shape.Layers;

    public override void Dispose()
    {
        base.Dispose();
        _positions?.Dispose();
    }

    protected override Tensor Embed()
    {
        foreach (SliceState slice in Slices)
        {
            slice.Sequence.Prepare(slice.Count, model.Device);
        }

        _positions = model.Positions.Of(Slices, Tokens);
        using Tensor ids = Ids();
        return model.Weights.Embedding.index_select(0, ids);
    }

    protected override Tensor Compute(int layer)
    {
        DecoderLayer dense = model.Layer(layer);
        dense.Attend(Hidden, Tokens, _positions!, Slices);
        Tensor rows = dense.SecondNorm(Hidden);
        dense.AddDense(Hidden, rows);
        return rows;
    }

    protected override StepResult Finish()
    {
        using Tensor normed = model.FinalNorm(Hidden);
        Capture?.AddHidden(ToArray(normed, model.Shape.HiddenSize));
        float[][] logits = Logits(normed, model.Weights.Head);
        Commit();
        return new StepResult(logits);
    }
}
