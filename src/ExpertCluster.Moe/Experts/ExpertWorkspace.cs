using System.Numerics;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// CPU tensors that experts compute in, kept between calls: making and freeing them costs as much as a small product. One for each thread
/// that computes; not thread-safe.
/// </summary>
public sealed class ExpertWorkspace : IDisposable
{
    /// <summary>
    /// Up to so many rows, tensors are kept with their shapes: decoding, where the calls themselves cost most. All are made together, so
    /// that the number of tensors in a process settles with the first call.
    /// </summary>
    public const int ShapedRows = 8;

    /// <summary>The most widths kept; all are forgotten when another one comes.</summary>
    private const int Widths = 16;

    /// <summary>Tensors of more bytes are views of one block, for the system takes long to hand out as many fresh pages.</summary>
    private const long SmallBytes = 1 << 20;

    /// <summary>The most bytes of that block; larger tensors are made anew.</summary>
    private const long BlockBytes = 1L << 30;

    private readonly Dictionary<(int Columns, bool Halves), ExpertScratch[]> _shaped = [];
    private Tensor? _block;
    private long _blockValues;
    private bool _blockTaken;

    /// <summary>
    /// Takes a tensor of any content; dispose of it to give it back. One at a time: another of the same shape may be the same one.
    /// </summary>
    /// <param name="rows">At least 1.</param>
    /// <param name="columns">At least 1; even where its halves are used.</param>
    /// <param name="halves">Whether its halves are used.</param>
    /// <returns>Float32 [rows, columns], contiguous.</returns>
    public ExpertScratch Take(int rows, int columns, bool halves)
    {
        if (rows <= ShapedRows)
        {
            return _shaped.TryGetValue((columns, halves), out ExpertScratch[]? known) ? known[rows - 1] : Shaped(columns, halves)[rows - 1];
        }

        long values = (long)rows * columns;
        return values * sizeof(float) is > SmallBytes and <= BlockBytes && !_blockTaken
            ? PartOfBlock(rows, columns, values, halves)
            : new ExpertScratch(empty(rows, columns, ScalarType.Float32), halves ? columns / 2 : 0, static () => { });
    }

    /// <summary>Frees all tensors.</summary>
    public void Dispose()
    {
        Forget();
        _block?.Dispose();
        _block = null;
        _blockValues = 0;
    }

    private ExpertScratch[] Shaped(int columns, bool halves)
    {
        if (_shaped.Count == Widths)
        {
            Forget();
        }

        var scratches = new ExpertScratch[ShapedRows];
        for (int i = 0; i < ShapedRows; i++)
        {
            scratches[i] = new ExpertScratch(empty(i + 1, columns, ScalarType.Float32), halves ? columns / 2 : 0, null);
        }

        return _shaped[(columns, halves)] = scratches;
    }

    private ExpertScratch PartOfBlock(int rows, int columns, long values, bool halves)
    {
        if (_blockValues < values)
        {
            _block?.Dispose();
            _blockValues = (long)BitOperations.RoundUpToPowerOf2((ulong)values);
            _block = empty(_blockValues, ScalarType.Float32).DetachFromDisposeScope();
        }

        using Tensor part = _block!.narrow(0, 0, values);
        _blockTaken = true;
        return new ExpertScratch(part.view(rows, columns), halves ? columns / 2 : 0, () => _blockTaken = false);
    }

    private void Forget()
    {
        foreach (ExpertScratch[] scratches in _shaped.Values)
        {
            Array.ForEach(scratches, scratch => scratch.Free());
        }

        _shaped.Clear();
    }
}
