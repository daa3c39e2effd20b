using System.Buffers;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>
/// A step on its way through the layers. Between two visits to the executor its tensors wait here, outside any dispose scope, and
/// the rows for the experts in .NET memory. All methods run on the executor's thread.
/// </summary>
internal sealed class DecoderStep : IDisposable
{
    private readonly DecoderModel _model;
    private readonly SliceState[] _slices;
    private readonly StepCapture? _capture;
    private readonly float[] _rows;
    private readonly float[] _combined;
    private Tensor? _hidden;
    private StepPositions? _positions;

    public DecoderStep(DecoderModel model, SliceState[] slices, int tokens, StepCapture? capture)
    {
        _model = model;
        _slices = slices;
        _capture = capture;
        Tokens = tokens;
        _rows = GC.AllocateUninitializedArray<float>(tokens * model.Shape.HiddenSize);
        _combined = GC.AllocateUninitializedArray<float>(tokens * model.Shape.HiddenSize);
    }

    /// <summary>Rows of the batch, T.</summary>
    public int Tokens { get; }

    /// <summary>Model layer index of the experts that the rows are for.</summary>
    public int Layer { get; private set; }

    /// <summary>The outcome, once all layers are done.</summary>
    public StepResult? Result { get; private set; }

    /// <summary>Where the experts' answer for the current layer goes, [T,H].</summary>
    public Memory<float> Combined => _combined;

    /// <summary>Embedding, then all up to the first layer with experts.</summary>
    /// <returns>Rows for the experts of <see cref="Layer"/>; null when <see cref="Result"/> is there.</returns>
    public RoutedRows? Start()
    {
        var ids = new long[Tokens];
        foreach (SliceState slice in _slices)
        {
            slice.Sequence.Prepare(slice.Count, _model.Device);
            ReadOnlySpan<int> tokens = slice.Slice.Tokens.Span;
            for (int i = 0; i < tokens.Length; i++)
            {
                ids[slice.Row + i] = tokens[i];
            }
        }

        _positions = _model.Positions.Of(_slices, Tokens);
        using Tensor indexes = tensor(ids, device: _model.Device);
        _hidden = _model.Weights.Embedding.index_select(0, indexes);
        _hidden.DetachFromDisposeScope();
        return Advance(0);
    }

    /// <summary>Adds the experts' answer, then goes on to the next layer with experts, or to the end.</summary>
    /// <returns>Rows for the experts of <see cref="Layer"/>; null when <see cref="Result"/> is there.</returns>
    public RoutedRows? Continue()
    {
        AddCombined();
        return Advance(Layer + 1);
    }

    /// <summary>Frees what waits between the layers.</summary>
    public void Dispose()
    {
        _hidden?.Dispose();
        _positions?.Dispose();
        foreach (SliceState slice in _slices)
        {
            slice.Dispose();
        }
    }

    private RoutedRows? Advance(int layer)
    {
        int width = _model.Shape.HiddenSize;
        for (; layer < _model.Shape.Layers; layer++)
        {
            _capture?.AddHidden(ToArray(_hidden!, width));
            DecoderLayer dense = _model.Layer(layer);
            dense.Attend(_hidden!, Tokens, _positions!, _slices);
            using Tensor rows = dense.SecondNorm(_hidden!);
            dense.AddDense(_hidden!, rows);
            if (dense.Gate is { } gate)
            {
                RoutingDecision routing = gate.Forward(rows, Tokens, out float[] logits);
                _capture?.AddRouter(logits);
                TensorMemory.CopyTo(rows, _rows);
                Layer = layer;
                return new RoutedRows(Tokens, width, _rows, routing);
            }
        }

        Result = Finish();
        return null;
    }

    /// <summary>Computes the logits wanted and commits the slices.</summary>
    private StepResult Finish()
    {
        using Tensor normed = _model.FinalNorm(_hidden!);
        _capture?.AddHidden(ToArray(normed, _model.Shape.HiddenSize));
        var logits = new float[_slices.Length][];
        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] = Logits(normed, _slices[i]);
        }

        // Asking for a layer fails where a sequence was disposed meanwhile: none is committed then.
        foreach (SliceState slice in _slices)
        {
            slice.Sequence.Layer(0);
        }

        foreach (SliceState slice in _slices)
        {
            slice.Sequence.Commit(slice.Count);
        }

        Dispose();
        return new StepResult(logits);
    }

    private unsafe void AddCombined()
    {
        using MemoryHandle pin = Combined.Pin();
        using Tensor answer = TensorMemory.Wrap(pin.Pointer, ScalarType.Float32, Tokens, _model.Shape.HiddenSize);
        if (_model.OnHost)
        {
            _hidden!.add_(answer);
            return;
        }

        using Tensor moved = answer.to(_model.Device);
        _hidden!.add_(moved);
    }

    private float[] Logits(Tensor normed, SliceState slice)
    {
        int count = slice.Slice.Logits switch
        {
            LogitsWanted.None => 0,
            LogitsWanted.Last => 1,
            _ => slice.Count,
        };
        if (count == 0)
        {
            return [];
        }

        using Tensor rows = normed.narrow(0, slice.Row + slice.Count - count, count);
        using Tensor scores = nn.functional.linear(rows, _model.Weights.Head);
        return ToArray(scores, _model.Shape.VocabularySize, count);
    }

    private float[] ToArray(Tensor source, int width, int? rows = null)
    {
        float[] values = GC.AllocateUninitializedArray<float>((rows ?? Tokens) * width);
        TensorMemory.CopyTo(source, values);
        return values;
    }
}
