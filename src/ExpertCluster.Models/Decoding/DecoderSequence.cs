using System.Numerics;
using ExpertCluster.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models;

/// <summary>
/// The key-value cache of one sequence. A step appends to it; what a failed step wrote beyond <see cref="Length"/> does not count
/// and is overwritten. Only one step at a time may use it; disposing is allowed at any time from any thread.
/// </summary>
public sealed class DecoderSequence : IDisposable
{
    private const int FirstCapacity = 64;

    private readonly DeviceExecutor _executor;
    private readonly DecoderSpec _spec;
    private readonly int _maxContext;
    private readonly Tensor?[] _layers;
    private int _inUse;
    private volatile int _length;
    private volatile bool _disposed;
    private int _start;
    private volatile int _capacity;

    internal DecoderSequence(DeviceExecutor executor, DecoderSpec spec, int layers, int maxContext)
    {
        _executor = executor;
        _spec = spec;
        _maxContext = maxContext;
        _layers = new Tensor?[layers];
    }

    /// <summary>Positions committed so far.</summary>
    public int Length => _length;

    /// <summary>Bytes the cache takes on the device.</summary>
    public long Bytes => _disposed ? 0 : _spec.CacheRowBytes * _layers.Length * _capacity;

    /// <summary>Whether it was disposed.</summary>
    public bool IsDisposed => _disposed;

    /// <summary>Positions there is room for now.</summary>
    internal int Capacity => _capacity;

    /// <summary>Position of the first row kept; earlier ones slid out of the window.</summary>
    internal int Start => _start;

    /// <summary>Forgets all positions from <paramref name="length"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence is shorter, or the length is negative.</exception>
    /// <exception cref="InvalidOperationException">A step is using it, or what the window would show then is gone already.</exception>
    public void Truncate(int length)
    {
        Claim();
        try
        {
            if (length < 0 || length > _length)
            {
                throw new ArgumentOutOfRangeException(nameof(length), length, $"The sequence has {_length} positions.");
            }

            if (FirstVisible(length) < _start)
            {
                throw new InvalidOperationException(
                    $"Position {FirstVisible(length)} has left the sliding window; the sequence cannot go back to length {length}.");
            }

            _length = length;
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Frees the cache on the executor's thread. A step under way that uses it fails.</summary>
    public void Dispose()
    {
        lock (_layers)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _executor.Free(() =>
        {
            foreach (Tensor? layer in _layers)
            {
                layer?.Dispose();
            }
        });
    }

    /// <summary>Reserves the sequence for one step.</summary>
    internal void Claim()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Interlocked.Exchange(ref _inUse, 1) != 0)
        {
            throw new InvalidOperationException("The sequence is in use by another step.");
        }
    }

    internal void Release() => Volatile.Write(ref _inUse, 0);

    /// <summary>First position that a token at <paramref name="position"/> sees through a window.</summary>
    internal static int FirstVisible(int position, int? window) => window is { } w ? Math.Max(0, position - w + 1) : 0;

    /// <summary>First position that any layer still needs when a token stands at <paramref name="position"/>.</summary>
    internal int FirstVisible(int position) => FirstVisible(position, _spec.RetainedWindow);

    /// <summary>Cache of a layer, [2,kvHeads,capacity,d]: keys, then values; or [1,1,capacity,c+r] of latents. On the executor's thread.</summary>
    internal Tensor Layer(int layer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _layers[layer]!;
    }

    /// <summary>Makes room for <paramref name="count"/> more positions. On the executor's thread.</summary>
    internal void Prepare(int count, Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_length + count - _start <= _capacity)
        {
            return;
        }

        // What the next token cannot see no later one can.
        int keepFrom = Math.Min(Math.Max(_start, FirstVisible(_length)), _length);
        int live = _length - keepFrom;
        int needed = live + count;
        // Moving the live rows within the same capacity pays only when it leaves enough room before the next move.
        int capacity = needed <= _capacity / 4 * 3 ? _capacity : (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, FirstCapacity));
        if (_spec.RetainedWindow is null)
        {
            capacity = Math.Max(Math.Min(capacity, _maxContext), needed);
        }
        else if (capacity < needed / 3 * 4)
        {
            capacity *= 2;
        }

        Replace(capacity, keepFrom, live, device);
    }

    internal void Commit(int count) => _length += count;

    private void Replace(int capacity, int keepFrom, int live, Device device)
    {
        var next = new Tensor[_layers.Length];
        (int parts, int heads, int width) = _spec.Cache;
        using (DisposeScope scope = NewDisposeScope())
        {
            for (int i = 0; i < next.Length; i++)
            {
                next[i] = empty([parts, heads, capacity, width], ScalarType.Float32, device);
                if (live > 0)
                {
                    next[i].narrow(2, 0, live).copy_(_layers[i]!.narrow(2, keepFrom - _start, live));
                }
            }

            // Nothing of the old cache is touched before all of the new one is there.
            foreach (Tensor layer in next)
            {
                layer.DetachFromDisposeScope();
            }
        }

        for (int i = 0; i < next.Length; i++)
        {
            _layers[i]?.Dispose();
            _layers[i] = next[i];
        }

        _start = keepFrom;
        _capacity = capacity;
    }
}
