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
internal abstract class ModelStep : IDisposable
{
    private readonly SequenceModel _model;
    private readonly float[] _rows;
    private readonly float[] _combined;
    private readonly bool[] _generated;
    private readonly bool[] _degraded;
    private Tensor? _hidden;

    protected ModelStep(SequenceModel model, SliceState[] slices, int tokens, StepCapture? capture)
    {
        _model = model;
        Slices = slices;
        Capture = capture;
        Tokens = tokens;
        _rows = GC.AllocateUninitializedArray<float>(tokens * model.Shape.HiddenSize);
        _combined = GC.AllocateUninitializedArray<float>(tokens * model.Shape.HiddenSize);
        _generated = Generated(slices, tokens);
        _degraded = new bool[tokens];
    }

    /// <summary>Rows of the batch, T.</summary>
    public int Tokens { get; }

    /// <summary>Model layer index of the experts that the rows are for.</summary>
    public int Layer { get; private set; }

    /// <summary>The outcome, once all layers are done.</summary>
    public StepResult? Result { get; private set; }

    /// <summary>Where the experts' answer for the current layer goes, [T,H].</summary>
    public Memory<float> Combined => _combined;

    protected SliceState[] Slices { get; }

    protected StepCapture? Capture { get; }

    /// <summary>The residual stream, [T,H].</summary>
    protected Tensor Hidden => _hidden!;

    /// <summary>First layer of the step.</summary>
    protected abstract int First { get; }

    /// <summary>The layer behind its last.</summary>
    protected abstract int End { get; }

    /// <summary>Embedding, then all up to the first layer with experts.</summary>
    /// <returns>Rows for the experts of <see cref="Layer"/>; null when <see cref="Result"/> is there.</returns>
    public RoutedRows? Start()
    {
        _hidden = Embed().DetachFromDisposeScope();
        return Advance(First);
    }

    /// <summary>Adds the experts' answer, then goes on to the next layer with experts, or to the end.</summary>
    /// <returns>Rows for the experts of <see cref="Layer"/>; null when <see cref="Result"/> is there.</returns>
    public RoutedRows? Continue()
    {
        AddCombined();
        return Advance(Layer + 1);
    }

    /// <summary>Frees what waits between the layers.</summary>
    public virtual void Dispose()
    {
        _hidden?.Dispose();
        foreach (SliceState slice in Slices)
        {
            slice.Dispose();
        }
    }

    /// <summary>The residual stream before the first layer, [T,H], and whatever else the layers need.</summary>
    protected abstract Tensor Embed();

    /// <summary>All of a layer but its routed experts, added to <see cref="Hidden"/>.</summary>
    /// <returns>What its experts get, [T,H]; the caller disposes it.</returns>
    protected abstract Tensor Compute(int layer);

    /// <summary>Computes what is wanted of the last layer's output and commits the slices.</summary>
    protected abstract StepResult Finish();

    /// <summary>The ids of all rows, [T].</summary>
    protected Tensor Ids()
    {
        var ids = new long[Tokens];
        foreach (SliceState slice in Slices)
        {
            ReadOnlySpan<int> tokens = slice.Slice.Tokens.Span;
            for (int i = 0; i < tokens.Length; i++)
            {
                ids[slice.Row + i] = tokens[i];
            }
        }

        return tensor(ids, device: _model.Device);
    }

    /// <summary>Logits of the positions that the slices want, from normed rows [T,H].</summary>
    protected float[][] Logits(Tensor normed, Tensor head)
    {
        int[] counts = [.. Slices.Select(Wanted)];
        if (counts.Sum() > 1 && counts.Max() == 1)
        {
            return LastLogits(normed, head, counts);
        }

        return [.. Slices.Select((slice, i) => Logits(normed, slice, counts[i], head))];
    }

    private static int Wanted(SliceState slice) => slice.Slice.Logits switch
    {
        LogitsWanted.None => 0,
        LogitsWanted.Last => 1,
        _ => slice.Count,
    };

    private float[] Logits(Tensor normed, SliceState slice, int count, Tensor head)
    {
        if (count == 0)
        {
            return [];
        }

        using Tensor rows = normed.narrow(0, slice.Row + slice.Count - count, count);
        using Tensor scores = nn.functional.linear(rows, head);
        return ToArray(scores, _model.Shape.VocabularySize, count);
    }

    /// <summary>The last position of several slices, in one product.</summary>
    private float[][] LastLogits(Tensor normed, Tensor head, int[] counts)
    {
        long[] last = [.. Slices.Where((_, i) => counts[i] > 0).Select(slice => (long)slice.Row + slice.Count - 1)];
        using Tensor? index = last.Length == Tokens ? null : tensor(last, device: _model.Device);
        using Tensor? rows = index is null ? null : normed.index_select(0, index);
        using Tensor scores = nn.functional.linear(rows ?? normed, head);
        int width = _model.Shape.VocabularySize;
        ReadOnlySpan<float> all = ToArray(scores, width, last.Length);
        var logits = new float[counts.Length][];
        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] = counts[i] == 0 ? [] : all[..width].ToArray();
            all = all[(counts[i] * width)..];
        }

        return logits;
    }

    /// <summary>Lengthens the sequences by what they contributed; none of them where one was disposed meanwhile.</summary>
    /// <param name="padding">A token that takes no position; null for none.</param>
    protected void Commit(int? padding = null)
    {
        foreach (SliceState slice in Slices)
        {
            slice.Sequence.Layer(0);
        }

        foreach (SliceState slice in Slices)
        {
            slice.Sequence.Commit(slice.Slice.Tokens.Span, padding);
        }
    }

    protected float[] ToArray(Tensor source, int width, int? rows = null)
    {
        float[] values = GC.AllocateUninitializedArray<float>((rows ?? Tokens) * width);
        TensorMemory.CopyTo(source, values);
        return values;
    }

    private RoutedRows? Advance(int layer)
    {
        int width = _model.Shape.HiddenSize;
        for (; layer < End; layer++)
        {
            Capture?.AddHidden(ToArray(Hidden, width));
            using Tensor rows = Compute(layer);
            if (_model.Gate(layer) is { } gate)
            {
                RoutingDecision routing = gate.Forward(rows, Tokens, out float[] logits);
                Capture?.AddRouter(logits);
                TensorMemory.CopyTo(rows, _rows);
                Layer = layer;
                return new RoutedRows(Tokens, width, _rows, routing) { Generated = _generated, Degraded = _degraded };
            }
        }

        Result = Finish() with { Degraded = Array.ConvertAll(Slices, slice => _degraded.AsSpan(slice.Row, slice.Count).Contains(true)) };
        Dispose();
        return null;
    }

    private static bool[] Generated(SliceState[] slices, int tokens)
    {
        if (!Array.Exists(slices, slice => slice.Slice.Generated))
        {
            return [];
        }

        var generated = new bool[tokens];
        foreach (SliceState slice in slices)
        {
            generated.AsSpan(slice.Row, slice.Count).Fill(slice.Slice.Generated);
        }

        return generated;
    }

    private unsafe void AddCombined()
    {
        using MemoryHandle pin = Combined.Pin();
        using Tensor answer = TensorMemory.Wrap(pin.Pointer, ScalarType.Float32, Tokens, _model.Shape.HiddenSize);
        if (_model.OnHost)
        {
            Hidden.add_(answer);
            return;
        }

        using Tensor moved = answer.to(_model.Device);
        Hidden.add_(moved);
    }
}
