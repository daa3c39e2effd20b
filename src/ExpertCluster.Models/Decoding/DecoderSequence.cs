using ExpertCluster.Models.Decoding;
using ExpertCluster.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models;

/// <summary>
/// The key-value cache of one sequence, and where the model has an encoder what that made of the source. A step appends to it; what a
/// failed step wrote beyond <see cref="Length"/> does not count and is overwritten. Only one step at a time may use it; disposing is
/// allowed at any time from any thread.
/// </summary>
public sealed class DecoderSequence : IDisposable
{
    private readonly DeviceExecutor _executor;
    private readonly CacheSpec _spec;
    private readonly LayerCache[] _layers;
    private readonly List<int> _padding = [];
    private Tensor[] _source = [];
    private int _inUse;
    private volatile int _length;
    private volatile int _sourceLength;
    private volatile bool _disposed;
    private int _start;
    private volatile int _capacity;

    internal DecoderSequence(DeviceExecutor executor, CacheSpec spec)
    {
        _executor = executor;
        _spec = spec;
        _layers = [.. Enumerable.Range(0, spec.Layers).Select(_ => new LayerCache())];
    }

    /// <summary>Positions committed so far.</summary>
    public int Length => _length;

    /// <summary>Tokens of the source that the encoder has read; 0 before, and for a model without encoder.</summary>
    public int SourceLength => _sourceLength;

    /// <summary>Bytes the cache takes on the device.</summary>
    public long Bytes => _disposed ? 0 : (_spec.RowBytes * _capacity) + _spec.SourceBytes(_sourceLength);

    /// <summary>Bytes the cache will take after a step that adds some positions. Not while a step uses the sequence.</summary>
    /// <param name="count">Positions to be added.</param>
    public long BytesAfter(int count) => (_spec.RowBytes * Room(count).Capacity) + _spec.SourceBytes(_sourceLength);

    /// <summary>Whether it was disposed.</summary>
    public bool IsDisposed => _disposed;

    /// <summary>Positions there is room for now.</summary>
    internal int Capacity => _capacity;

    /// <summary>Position of the first row kept; earlier ones slid out of the window.</summary>
    internal int Start => _start;

    /// <summary>How many of the tokens so far took no position.</summary>
    internal int Padding => _padding.Count;

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

            if (FirstVisible(length) < _layers.Max(layer => layer.Start))
            {
                throw new InvalidOperationException(
                    $"Position {FirstVisible(length)} has left the sliding window; the sequence cannot go back to length {length}.");
            }

            _padding.RemoveAll(position => position >= length);
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
            foreach (Tensor? layer in _layers.Select(layer => layer.Rows).Concat(_source))
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
    internal int FirstVisible(int position) => FirstVisible(position, _spec.Window);

    /// <summary>Keys and values of the source for one decoder layer, [2,heads,source,d]. On the executor's thread.</summary>
    internal Tensor Source(int layer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _source[layer];
    }

    /// <summary>Takes over what the encoder made of the source. On the executor's thread.</summary>
    /// <param name="layers">Per decoder layer [2,heads,source,d], detached from any dispose scope.</param>
    /// <param name="length">Tokens of the source.</param>
    /// <exception cref="ObjectDisposedException">The sequence is gone; the tensors stay the caller's.</exception>
    internal void SetSource(Tensor[] layers, int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _source = layers;
        _sourceLength = length;
    }

    /// <summary>Cache of a layer, [2,kvHeads,capacity,d]: keys, then values; or [1,1,capacity,c+r] of latents. On the executor's thread.</summary>
    internal Tensor Layer(int layer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _layers[layer].Rows!;
    }

    /// <summary>Whether the cache lies in memory that the processor reads.</summary>
    internal bool IsOnHost => _layers[0].Host != 0;

    /// <summary>Where <see cref="Layer"/> lies in host memory; on the executor's thread, valid until the sequence grows.</summary>
    internal unsafe float* HostRows(int layer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return (float*)_layers[layer].Host;
    }

    /// <summary>Positions a layer's cache has room for.</summary>
    internal int CapacityOf(int layer) => _layers[layer].Capacity;

    /// <summary>Position of the first row that a layer's cache holds.</summary>
    internal int StartOf(int layer) => _layers[layer].Start;

    /// <summary>Makes room for <paramref name="count"/> more positions. On the executor's thread.</summary>
    internal void Prepare(int count, Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        (int capacity, int keepFrom) = Room(count);
        if (_length + count - _start > _capacity)
        {
            Replace(capacity, keepFrom, _length - keepFrom, device);
        }
    }

    /// <summary>Lengthens the sequence.</summary>
    /// <param name="tokens">What was appended.</param>
    /// <param name="padding">A token that takes no position; null for none.</param>
    internal void Commit(ReadOnlySpan<int> tokens, int? padding)
    {
        for (int i = 0; padding is not null && i < tokens.Length; i++)
        {
            if (tokens[i] == padding)
            {
                _padding.Add(_length + i);
            }
        }

        _length += tokens.Length;
    }

    /// <summary>Positions there must be room for to add some, and the first row that then has to be kept.</summary>
    private (int Capacity, int KeepFrom) Room(int count)
    {
        if (_length + count - _start <= _capacity)
        {
            return (_capacity, _start);
        }

        // What the next token cannot see no later one can.
        int keepFrom = Math.Min(Math.Max(_start, FirstVisible(_length)), _length);
        return (CacheSpec.Capacity((long)_length - keepFrom + count, slides: keepFrom > 0), keepFrom);
    }

    /// <summary>
    /// Layer after layer, so that no more than one layer's cache is there twice. Where it fails half-way, each layer still knows its own
    /// size and holds all that can be seen.
    /// </summary>
    private unsafe void Replace(int capacity, int keepFrom, int live, Device device)
    {
        foreach (LayerCache layer in _layers)
        {
            Tensor next = empty([_spec.Parts, _spec.Heads, capacity, _spec.Width], ScalarType.Float32, device);
            if (live > 0)
            {
                using Tensor target = next.narrow(2, 0, live);
                using Tensor source = layer.Rows!.narrow(2, keepFrom - layer.Start, live);
                target.copy_(source);
            }

            layer.Rows?.Dispose();
            layer.Rows = next.DetachFromDisposeScope();
            layer.Host = device.type == DeviceType.CPU ? (nint)TensorMemory.Address(next) : 0;
            layer.Start = keepFrom;
            layer.Capacity = capacity;
        }

        _start = keepFrom;
        _capacity = capacity;
    }

    private sealed class LayerCache
    {
        public Tensor? Rows { get; set; }

        /// <summary>Address of <see cref="Rows"/>; 0 on another device.</summary>
        public nint Host { get; set; }

        public int Start { get; set; }

        public int Capacity { get; set; }
    }
}
