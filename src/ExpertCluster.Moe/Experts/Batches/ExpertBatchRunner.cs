using System.Buffers;
using System.Runtime.ExceptionServices;
using ExpertCluster.Tensors;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// Computes the waiting segments of a node's experts together. One for each device executor, used on its thread only.
/// </summary>
/// <remarks>
/// <para>
/// On the CPU, experts in float32 compute one after the other on rows where they lie, straight into the outputs, with the same results, bit
/// for bit, as <see cref="ExpertNetworkRunner"/>: segments of one expert are not joined, for a product of more rows may round otherwise.
/// </para>
/// <para>
/// On another device, and in bfloat16, all rows go into one staging buffer – page-locked for a device – and from there in one copy to the
/// device. All experts compute without the host waiting in between, and one copy brings all answers back, for which the host waits once.
/// Segments of one expert are one product. Host memory: twice the largest batch, each at most the limit given; larger batches go in turns.
/// </para>
/// </remarks>
public sealed class ExpertBatchRunner : IDisposable
{
    /// <summary>256 MiB: some 32,000 rows of 4,096 values in bfloat16. More rows at once no longer make a product faster.</summary>
    public const long DefaultStagingBytes = 256L << 20;

    /// <summary>
    /// Up to so many values a copy into a tensor that is there already takes less time than a tensor over the rows where they lie
    /// (two native calls each; see docs/benchmarks.md, "Experts on a device").
    /// </summary>
    private const int SmallValues = 4096;

    private readonly ExpertWorkspace _inputs = new();
    private readonly ExpertWorkspace _outputs = new();
    private readonly ExpertWorkspace _inner = new();
    private readonly StagedExperts _staged;
    private readonly bool _inPlace;
    private readonly List<int> _later = [];
    private bool _disposed;

    /// <summary>Makes a runner; nothing is allocated before it is used.</summary>
    /// <param name="device">The experts' device.</param>
    /// <param name="maxStagingBytes">The most bytes of rows, and of answers, staged at once; 64 KiB to 1 GiB.</param>
    public ExpertBatchRunner(Device device, long maxStagingBytes = DefaultStagingBytes)
        : this(device, maxStagingBytes, staged: false)
    {
    }

    /// <summary>As above; with <paramref name="staged"/>, float32 on the CPU takes a device's way too.</summary>
    internal ExpertBatchRunner(Device device, long maxStagingBytes, bool staged)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxStagingBytes, 64 << 10);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxStagingBytes, 1L << 30);
        _inPlace = device.type == TorchSharp.DeviceType.CPU && !staged;
        _staged = new StagedExperts(device, maxStagingBytes);
    }

    /// <summary>Computes all segments.</summary>
    /// <param name="segments">In any order, of one layer for the best grouping.</param>
    /// <exception cref="Exception">Whatever the first segment that failed threw; the others are computed.</exception>
    public void Run(ReadOnlySpan<ExpertSegment> segments)
    {
        var failures = new Exception?[segments.Length];
        Run(segments, failures);
        foreach (Exception? failure in failures)
        {
            if (failure is not null)
            {
                ExceptionDispatchInfo.Throw(failure);
            }
        }
    }

    /// <summary>Computes all segments; a fault of one is that one's alone.</summary>
    /// <param name="segments">In any order, of one layer for the best grouping.</param>
    /// <param name="failures">Receives, for each segment, null where its output holds the answer, else what was thrown.</param>
    /// <exception cref="ArgumentException"><paramref name="failures"/> is shorter than <paramref name="segments"/>.</exception>
    /// <exception cref="ObjectDisposedException">The runner is disposed.</exception>
    public void Run(ReadOnlySpan<ExpertSegment> segments, Span<Exception?> failures)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (failures.Length < segments.Length)
        {
            throw new ArgumentException($"Room for {failures.Length} failures is too little for {segments.Length} segments.", nameof(failures));
        }

        failures[..segments.Length].Clear();
        _later.Clear();
        for (int i = 0; i < segments.Length; i++)
        {
            if (segments[i].Count == 0)
            {
                continue;
            }

            if (_inPlace && segments[i].Type == ScalarType.Float32 && segments[i].Network.Type == ScalarType.Float32)
            {
                failures[i] = TryInPlace(segments[i]);
            }
            else
            {
                _later.Add(i);
            }
        }

        while (_later.Count > 0)
        {
            _staged.Run(segments, TakeAlike(segments), failures);
        }
    }

    /// <summary>Frees all buffers.</summary>
    public void Dispose()
    {
        _disposed = true;
        _inputs.Dispose();
        _outputs.Dispose();
        _inner.Dispose();
        _staged.Dispose();
    }

    /// <summary>Takes the segments out of those left that are of one hidden size and type: all of them, as a rule.</summary>
    private List<int> TakeAlike(ReadOnlySpan<ExpertSegment> segments)
    {
        IExpertNetwork first = segments[_later[0]].Network;
        var alike = new List<int>(_later.Count);
        int kept = 0;
        for (int i = 0; i < _later.Count; i++)
        {
            int index = _later[i];
            IExpertNetwork network = segments[index].Network;
            if (network.HiddenSize == first.HiddenSize && network.Type == first.Type)
            {
                alike.Add(index);
            }
            else
            {
                _later[kept++] = index;
            }
        }

        _later.RemoveRange(kept, _later.Count - kept);
        return alike;
    }

    private Exception? TryInPlace(in ExpertSegment segment)
    {
        try
        {
            InPlace(segment);
            return null;
        }
#pragma warning disable CA1031 // Whatever it was, it is this segment's.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e;
        }
    }

    private unsafe void InPlace(in ExpertSegment segment)
    {
        int hidden = segment.Network.HiddenSize;
        if (segment.Count <= ExpertWorkspace.ShapedRows && segment.Rows.Length <= SmallValues)
        {
            using ExpertScratch input = _inputs.Take(segment.Count, hidden, halves: false);
            using ExpertScratch output = _outputs.Take(segment.Count, hidden, halves: false);
            segment.Rows.Span.CopyTo(input.Values);
            segment.Network.Forward(input.All, segment.Count, output.All, _inner);
            output.Values.CopyTo(segment.Output.Span);
            return;
        }

        using MemoryHandle source = segment.Rows.Pin();
        using MemoryHandle target = segment.Output.Pin();
        using Tensor rows = TensorMemory.Wrap(source.Pointer, ScalarType.Float32, segment.Count, hidden);
        using Tensor answers = TensorMemory.Wrap(target.Pointer, ScalarType.Float32, segment.Count, hidden);
        segment.Network.Forward(rows, segment.Count, answers, _inner);
    }
}
