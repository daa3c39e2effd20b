using System.Buffers;
using ExpertCluster.Models.Decoding;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models;

/// <summary>
/// The dense part of a model – embedding, attention with its caches, norms, gates, head – on one executor. The experts are somebody
/// else's (<see cref="IExpertBackend"/>). Float32 throughout. Steps of different sequences may overlap.
/// </summary>
public abstract class SequenceModel : IDisposable, IAsyncDisposable
{
    private readonly DeviceExecutor _executor;
    private int _disposed;

    private protected SequenceModel(ModelShape shape, DeviceExecutor executor)
    {
        Shape = shape;
        _executor = executor;
        Device = executor.TorchDevice;
        OnHost = Device.type == DeviceType.CPU;
    }

    /// <summary>The model's sizes.</summary>
    public ModelShape Shape { get; }

    internal Device Device { get; }

    internal bool OnHost { get; }

    /// <summary>What a sequence keeps of each position.</summary>
    internal abstract CacheSpec Cache { get; }

    /// <summary>The most bytes a sequence's cache takes on its way to that many positions.</summary>
    /// <param name="length">Positions.</param>
    /// <param name="source">Tokens the encoder reads; 0 for a model without one.</param>
    /// <param name="step">The most positions that one step adds; a sliding window has to have room for them.</param>
    public long KvBytes(int length, int source = 0, int step = int.MaxValue) => Cache.Bytes(length, step) + Cache.SourceBytes(source);

    /// <summary>An empty sequence.</summary>
    public DecoderSequence NewSequence()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        return new DecoderSequence(_executor, Cache);
    }

    /// <summary>
    /// Runs new tokens of any number of sequences through the model. The rows of all slices go through everything but the attention
    /// core as one batch. When it fails or is cancelled, no sequence has changed.
    /// </summary>
    /// <param name="slices">What each sequence contributes; either all of them are for the encoder or none is.</param>
    /// <param name="experts">Who computes the experts.</param>
    /// <param name="ct">Cancels between layers.</param>
    /// <param name="capture">Collects intermediate values, if given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A token id is not in the vocabulary.</exception>
    /// <exception cref="ArgumentException">No slices, an empty slice, a sequence given twice or of another model, or the context exceeded.</exception>
    /// <exception cref="InvalidOperationException">A sequence is in use by another step.</exception>
    public async Task<StepResult> StepAsync(
        IReadOnlyList<StepSlice> slices, IExpertBackend experts, CancellationToken ct, StepCapture? capture = null)
    {
        ArgumentNullException.ThrowIfNull(slices);
        ArgumentNullException.ThrowIfNull(experts);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        StepValidation.Check(slices, Shape);
        int claimed = 0;
        ModelStep? step = null;
        bool finished = false;
        try
        {
            for (; claimed < slices.Count; claimed++)
            {
                slices[claimed].Sequence.Claim();
            }

            var states = new SliceState[slices.Count];
            int tokens = 0;
            for (int i = 0; i < states.Length; i++)
            {
                states[i] = new SliceState(slices[i], tokens);
                tokens += states[i].Count;
            }

            step = CreateStep(states, tokens, capture);
            for (RoutedRows? rows = await _executor.RunAsync(step.Start, ct).ConfigureAwait(false); rows is not null;)
            {
                await experts.ApplyAsync(step.Layer, rows, step.Combined, ct).ConfigureAwait(false);
                rows = await _executor.RunAsync(step.Continue, ct).ConfigureAwait(false);
            }

            finished = true;
            return step.Result!;
        }
        finally
        {
            if (!finished && step is not null)
            {
                _executor.Free(step.Dispose);
            }

            for (int i = 0; i < claimed; i++)
            {
                slices[i].Sequence.Release();
            }
        }
    }

    /// <summary>Asks the gate of one layer.</summary>
    /// <param name="layer">Model layer index.</param>
    /// <param name="rows">What the experts would get: hidden states after the layer's second norm, [T,H] row-major.</param>
    /// <param name="tokens">T.</param>
    /// <exception cref="ArgumentException">No such layer, or the length of <paramref name="rows"/> is not T·H.</exception>
    public Task<RoutingDecision> RouteAsync(int layer, ReadOnlyMemory<float> rows, int tokens)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if ((uint)layer >= (uint)Shape.Layers)
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, $"The model has {Shape.Layers} layers.");
        }

        if (Gate(layer) is null)
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, $"Layer {layer} of the model has no experts.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        if (rows.Length != (long)tokens * Shape.HiddenSize)
        {
            throw new ArgumentException($"{rows.Length} values are not {tokens} rows of {Shape.HiddenSize}.", nameof(rows));
        }

        return _executor.RunAsync(() => Route(layer, rows, tokens));
    }

    /// <summary>Frees the weights on the executor's thread; returns before that is done.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _executor.Free(FreeWeights);
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the weights on the executor's thread.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _executor.Free(() =>
            {
                FreeWeights();
                done.SetResult();
            });
            await done.Task.ConfigureAwait(false);
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The gate of a layer; null where it has no experts.</summary>
    internal abstract DecoderGate? Gate(int layer);

    private protected abstract ModelStep CreateStep(SliceState[] slices, int tokens, StepCapture? capture);

    private protected abstract void FreeWeights();

    private unsafe RoutingDecision Route(int layer, ReadOnlyMemory<float> rows, int tokens)
    {
        using MemoryHandle pin = rows.Pin();
        using Tensor wrapped = TensorMemory.Wrap(pin.Pointer, ScalarType.Float32, tokens, Shape.HiddenSize);
        using Tensor? moved = OnHost ? null : wrapped.to(Device);
        return Gate(layer)!.Forward(moved ?? wrapped, tokens, out _);
    }
}
