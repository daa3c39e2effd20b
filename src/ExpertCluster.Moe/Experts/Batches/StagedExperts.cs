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
                _pieces.Add(new StagedPiece(index, row, rows, _order[segments[index].Network]));
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
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _answers.Dispose();
    }

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
        IExpertNetwork network = segments[_pieces[first].Segment].Network;
        (ScalarType type, int hidden) = (network.Type, network.HiddenSize);
        int rows = 0;
        for (int i = first; i < first + count; i++)
        {
            rows += _pieces[i].Rows;
        }

        long bytes = (long)rows * hidden * SizeOf(type);
        byte* staging = _rows.Reserve(bytes);
        byte* target = staging;
        for (int i = first; i < first + count; i++)
        {
            StagedPiece piece = _pieces[i];
            RowConversion.Gather(segments[piece.Segment], piece.First, piece.Rows, type, target);
            target += (long)piece.Rows * hidden * SizeOf(type);
        }

        byte* answers = _answers.Reserve(bytes);
        using (NewDisposeScope())
        {
            Tensor staged = TensorMemory.Wrap(staging, type, rows, hidden);
            Tensor moved = _onHost ? staged : staged.to(device, non_blocking: true);
            Tensor result = Forward(segments, first, count, moved);
            Tensor back = TensorMemory.Wrap(answers, type, rows, hidden);

            // Not "non-blocking": into page-locked memory this is one asynchronous copy and one wait for the stream it was queued on, where
            // a wait for the whole device would be the other way to know that the answers are here.
            back.copy_(result);
        }

        for (int i = first; i < first + count; i++)
        {
            StagedPiece piece = _pieces[i];
            RowConversion.Scatter(answers, type, segments[piece.Segment], piece.First, piece.Rows);
            answers += (long)piece.Rows * hidden * SizeOf(type);
        }
    }

    private Tensor Forward(ReadOnlySpan<ExpertSegment> segments, int first, int count, Tensor rows)
    {
        var parts = new List<Tensor>();
        long start = 0;
        for (int i = first; i < first + count;)
        {
            IExpertNetwork network = segments[_pieces[i].Segment].Network;
            long own = 0;
            for (; i < first + count && segments[_pieces[i].Segment].Network == network; i++)
            {
                own += _pieces[i].Rows;
            }

            parts.Add(network.Forward(rows.narrow(0, start, own)));
            start += own;
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
                cuda.synchronize();
            }
#pragma warning disable CA1031 // A device that is lost says so at every call; what it lost is reported already.
            catch
#pragma warning restore CA1031
            {
            }
        }
    }
}
