using System.Runtime.InteropServices;
using ExpertCluster.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// A batch through staging buffers: gather, one copy there, all experts, one copy back, scatter. What <see cref="ExpertBatchRunner"/> does on
/// a device.
/// </summary>
/// <param name="device">The experts' device.</param>
/// <param name="maxBytes">The most bytes of rows in a turn.</param>
internal sealed class StagedExperts(Device device, long maxBytes) : IDisposable
{
    private readonly bool _onHost = device.type == DeviceType.CPU;
    private readonly StagingBuffer _rows = new(pageLocked: device.type == DeviceType.CUDA);
    private readonly StagingBuffer _answers = new(pageLocked: device.type == DeviceType.CUDA);
    private readonly Dictionary<IExpertNetwork, int> _order = [];
    private readonly List<StagedPiece> _pieces = [];
    private readonly BatchPlan _plan = new();

    /// <summary>Computes segments of one hidden size and type.</summary>
    /// <param name="segments">All segments.</param>
    /// <param name="chosen">Indices of those to compute.</param>
    /// <param name="failures">Receives what a segment threw.</param>
    public void Run(ReadOnlySpan<ExpertSegment> segments, List<int> chosen, Span<Exception?> failures)
    {
        IExpertNetwork first = segments[chosen[0]].Network;
        int rowBytes = first.HiddenSize * SizeOf(first.Type);
        int most = (int)Math.Clamp(maxBytes / rowBytes, 1, int.MaxValue);
        _order.Clear();
        foreach (int index in chosen)
        {
            _order.TryAdd(segments[index].Network, _order.Count);
        }

        int room = most;
        _pieces.Clear();
        foreach (int index in chosen)
        {
            for (int row = 0; row < segments[index].Count;)
            {
                int rows = Math.Min(room, segments[index].Count - row);
                _pieces.Add(new StagedPiece(index, row, rows, BatchPlan.OrderOf(segments[index].Network, _order[segments[index].Network])));
                row += rows;
                room -= rows;
                if (room == 0)
                {
                    Turn(segments, failures);
                    room = most;
                }
            }
        }

        Turn(segments, failures);
        _order.Clear();
        _plan.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _answers.Dispose();
    }

    /// <summary>Where ends of groups begin behind the rows, in bytes: aligned as rows of a product's operands are.</summary>
    private static long EndsAt(int rows, int hidden, int size) => (((long)rows * hidden * size) + 15) & ~15L;

    private static int SizeOf(ScalarType type) => type == ScalarType.BFloat16 ? sizeof(ushort) : sizeof(float);

    /// <summary>Computes the pieces gathered so far; where that fails, each by itself, so that the others' answers are not lost.</summary>
    private void Turn(ReadOnlySpan<ExpertSegment> segments, Span<Exception?> failures)
    {
        if (_pieces.Count == 0)
        {
            return;
        }

        _pieces.Sort();
        if (TryCompute(segments, 0, _pieces.Count) is { } failure)
        {
            for (int i = 0; i < _pieces.Count; i++)
            {
                failures[_pieces[i].Segment] ??= _pieces.Count == 1 ? failure : TryCompute(segments, i, 1);
            }
        }

        _pieces.Clear();
    }

    private Exception? TryCompute(ReadOnlySpan<ExpertSegment> segments, int first, int count)
    {
        try
        {
            Compute(segments, first, count);
            return null;
        }
#pragma warning disable CA1031 // Whatever it was, it is told to whoever waits for these segments.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Settle();
            return e;
        }
    }

    private unsafe void Compute(ReadOnlySpan<ExpertSegment> segments, int first, int count)
    {
        ReadOnlySpan<StagedPiece> pieces = CollectionsMarshal.AsSpan(_pieces).Slice(first, count);
        IExpertNetwork network = segments[pieces[0].Segment].Network;
        (ScalarType type, int hidden, int size) = (network.Type, network.HiddenSize, SizeOf(network.Type));
        _plan.Build(segments, pieces, rows => EndsAt(rows, hidden, size) / size, sizeof(int) / size);
        long endsAt = EndsAt(_plan.Rows, hidden, size);
        long bytes = endsAt + ((long)_plan.Ends.Length * sizeof(int));
        byte* staging = _rows.Reserve(bytes);
        byte* target = staging;
        foreach (StagedPiece piece in pieces)
        {
            RowConversion.Gather(segments[piece.Segment], piece.First, piece.Rows, type, target);
            target += (long)piece.Rows * hidden * size;
        }

        _plan.Ends.CopyTo(new Span<int>(staging + endsAt, _plan.Ends.Length));
        byte* answers = _answers.Reserve((long)_plan.Rows * hidden * size);
        using (NewDisposeScope())
        {
            Tensor staged = TensorMemory.Wrap(staging, type, bytes / size);
            Tensor moved = _onHost ? staged : staged.to(device, non_blocking: true);
            Tensor result = Forward(moved, hidden);
            Tensor back = TensorMemory.Wrap(answers, type, _plan.Rows, hidden);

            // Not "non-blocking": into page-locked memory this is one asynchronous copy and one wait for the stream it was queued on, where
            // a wait for the whole device would be the other way to know that the answers are here.
            back.copy_(result);
        }

        foreach (StagedPiece piece in pieces)
        {
            RowConversion.Scatter(answers, type, segments[piece.Segment], piece.First, piece.Rows);
            answers += (long)piece.Rows * hidden * size;
        }
    }

    private unsafe Tensor Forward(Tensor staged, int hidden)
    {
        var parts = new List<Tensor>();
        if (_plan.ScriptedRows > 0)
        {
            fixed (long* numbers = _plan.Numbers)
            {
                Tensor plan = TensorMemory.Wrap(numbers, ScalarType.Int64, _plan.Numbers.Length);
                parts.Add(ExpertScripts.Run(staged, plan, _plan.First, _plan.Second));
            }
        }

        long start = _plan.ScriptedRows;
        foreach ((IExpertNetwork network, int rows) in _plan.Others)
        {
            parts.Add(network.Forward(staged.narrow(0, start * hidden, (long)rows * hidden).view(rows, hidden)));
            start += rows;
        }

        return parts.Count == 1 ? parts[0] : cat(parts, 0);
    }

    /// <summary>After a failure a copy may still be reading the staging buffer.</summary>
    private void Settle()
    {
        if (!_onHost)
        {
            try
            {
                cuda.synchronize(device);
            }
#pragma warning disable CA1031 // A device that is lost says so at every call; what it lost is reported already.
            catch
#pragma warning restore CA1031
            {
            }
        }
    }
}
