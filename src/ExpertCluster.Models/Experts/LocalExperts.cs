using System.Runtime.InteropServices;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;

namespace ExpertCluster.Models;

/// <summary>
/// All experts of a checkpoint in this process on one executor, without actors: the twin that a cluster is compared with. Batches
/// are grouped per expert without padding.
/// </summary>
public sealed class LocalExperts : IExpertBackend, IDisposable
{
    private readonly DeviceExecutor _executor;
    private readonly IExpertNetwork[]?[] _layers;
    private readonly int _hidden;
    private readonly ExpertBatchRunner _runner;
    private readonly List<ExpertSegment> _segments = [];
    private float[] _gathered = [];
    private float[] _computed = [];
    private float[] _slotRows = [];

    private LocalExperts(DeviceExecutor executor, IExpertNetwork[]?[] layers, int hidden)
    {
        _executor = executor;
        _layers = layers;
        _hidden = hidden;
        _runner = new ExpertBatchRunner(executor.TorchDevice);
    }

    /// <summary>Loads all experts onto the executor's device.</summary>
    public static Task<LocalExperts> LoadAsync(ModelCheckpoint checkpoint, DeviceExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(executor);
        return executor.RunAsync(() =>
        {
            var layers = new IExpertNetwork[]?[checkpoint.Shape.Layers];
            var all = new LocalExperts(executor, layers, checkpoint.Shape.HiddenSize);
            try
            {
                foreach (int layer in checkpoint.Shape.MoeLayers)
                {
                    layers[layer] = new IExpertNetwork[checkpoint.Shape.ExpertsPerLayer];
                    for (int expert = 0; expert < checkpoint.Shape.ExpertsPerLayer; expert++)
                    {
                        layers[layer]![expert] = checkpoint.LoadExpert(layer, expert, executor.TorchDevice);
                    }
                }

                return all;
            }
            catch
            {
                all.FreeAll();
                throw;
            }
        });
    }

    /// <inheritdoc/>
    public Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(rows);
        IExpertNetwork[] experts = (uint)layer < (uint)_layers.Length ? _layers[layer] ?? [] : [];
        if (experts.Length == 0)
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, $"The model has no experts in layer {layer}.");
        }

        return _executor.RunAsync(() => Apply(experts, rows, output), ct);
    }

    /// <summary>Frees the experts on the executor's thread.</summary>
    public void Dispose() => _executor.Free(FreeAll);

    private static Memory<float> Scratch(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<float>(length);
        }

        return buffer.AsMemory(0, length);
    }

    private void FreeAll()
    {
        foreach (IExpertNetwork? expert in _layers.SelectMany(layer => layer ?? []))
        {
            // Null where loading stopped half-way.
            expert?.Dispose();
        }

        Array.Clear(_layers);
        _runner.Dispose();
    }

    private void Apply(IExpertNetwork[] experts, RoutedRows rows, Memory<float> output)
    {
        RoutingDecision routing = rows.Routing;
        ExpertGroups groups = ExpertGroups.Build(routing, experts.Length);
        Memory<float> slotRows = Scratch(ref _slotRows, routing.Slots * _hidden);
        Memory<float> gathered = Scratch(ref _gathered, routing.Slots * _hidden);
        Memory<float> computed = Scratch(ref _computed, routing.Slots * _hidden);
        _segments.Clear();
        int used = 0;
        for (int expert = 0; expert < experts.Length; expert++)
        {
            ReadOnlySpan<int> slots = groups[expert];
            if (slots.Length == 1)
            {
                // Decoding: the row is used, and the answer put, where it lies.
                ReadOnlyMemory<float> row = rows.Rows.Slice(slots[0] / routing.TopK * _hidden, _hidden);
                _segments.Add(new ExpertSegment(experts[expert], row, 1, slotRows.Slice(slots[0] * _hidden, _hidden)));
            }
            else if (slots.Length > 1)
            {
                (int start, int length) = (used * _hidden, slots.Length * _hidden);
                Gather(rows, slots, gathered.Span.Slice(start, length));
                _segments.Add(new ExpertSegment(experts[expert], gathered.Slice(start, length), slots.Length, computed.Slice(start, length)));
                used += slots.Length;
            }
        }

        _runner.Run(CollectionsMarshal.AsSpan(_segments));
        Scatter(groups, experts.Length, computed.Span, slotRows.Span);
        ExpertCombine.WeightedSum(slotRows.Span, routing, _hidden, output.Span);
    }

    private void Gather(RoutedRows rows, ReadOnlySpan<int> slots, Span<float> target)
    {
        ReadOnlySpan<float> source = rows.Rows.Span;
        for (int i = 0; i < slots.Length; i++)
        {
            source.Slice(slots[i] / rows.Routing.TopK * _hidden, _hidden).CopyTo(target[(i * _hidden)..]);
        }
    }

    private void Scatter(ExpertGroups groups, int experts, ReadOnlySpan<float> computed, Span<float> slotRows)
    {
        for (int expert = 0; expert < experts; expert++)
        {
            ReadOnlySpan<int> slots = groups[expert];
            for (int i = 0; slots.Length > 1 && i < slots.Length; i++)
            {
                computed[.._hidden].CopyTo(slotRows[(slots[i] * _hidden)..]);
                computed = computed[_hidden..];
            }
        }
    }
}
