using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>A step of a decoder-only model.</summary>
internal sealed class DecoderStep(DecoderModel model, SliceState[] slices, int tokens, StepCapture? capture)
    : ModelStep(model, slices, tokens, capture)
{
    private Tensor? _cos;
    private Tensor? _sin;

    protected override int First => 0;

    protected override int End => model.Shape.Layers;

    public override void Dispose()
    {
        base.Dispose();
        _cos?.Dispose();
        _sin?.Dispose();
    }

    protected override Tensor Embed()
    {
        int most = 0;
        foreach (SliceState slice in Slices)
        {
            slice.Sequence.Prepare(slice.Count, model.Device);
            most = Math.Max(most, slice.Position + slice.Count);
        }

        model.Rotary.Ensure(most);
        if (Slices.Length == 1)
        {
            _cos = model.Rotary.Cos.narrow(0, Slices[0].Position, Tokens);
            _sin = model.Rotary.Sin.narrow(0, Slices[0].Position, Tokens);
        }
        else
        {
            using Tensor at = tensor(Positions(), device: model.Device);
            _cos = model.Rotary.Cos.index_select(0, at);
            _sin = model.Rotary.Sin.index_select(0, at);
        }

        _cos.DetachFromDisposeScope();
        _sin.DetachFromDisposeScope();
        using Tensor ids = Ids();
        return model.Weights.Embedding.index_select(0, ids);
    }

    protected override Tensor Compute(int layer)
    {
        DecoderLayer dense = model.Layer(layer);
        dense.Attend(Hidden, Tokens, _cos!, _sin!, Slices);
        Tensor rows = dense.SecondNorm(Hidden);
        dense.AddDense(Hidden, rows);
        return rows;
    }

    protected override StepResult Finish()
    {
        using Tensor normed = model.FinalNorm(Hidden);
        Capture?.AddHidden(ToArray(normed, model.Shape.HiddenSize));
        var logits = new float[Slices.Length][];
        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] = Logits(normed, Slices[i], model.Weights.Head);
        }

        Commit();
        return new StepResult(logits);
    }

    private long[] Positions()
    {
        var positions = new long[Tokens];
        foreach (SliceState slice in Slices)
        {
            for (int i = 0; i < slice.Count; i++)
            {
                positions[slice.Row + i] = slice.Position + i;
            }
        }

        return positions;
    }
}
