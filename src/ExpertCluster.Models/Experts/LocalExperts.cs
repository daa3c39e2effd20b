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
    private float[] _gathered = [];
    private float[] _computed = [];
    private float[] _slotRows = [];

    private LocalExperts(DeviceExecutor executor, IExpertNetwork[]?[] layers, int hidden)
    {
        _executor = executor;
        _layers = layers;
        _hidden = hidden;
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
    }

    private void Apply(IExpertNetwork[] experts, RoutedRows rows, Memory<float> output)
    {
        RoutingDecision routing = rows.Routing;
        ExpertGroups groups = ExpertGroups.Build(routing, experts.Length);
        Memory<float> slotRows = Scratch(ref _slotRows, routing.Slots * _hidden);
        for (int expert = 0; expert < experts.Length; expert++)
        {
            ReadOnlySpan<int> slots = groups[expert];
            if (slots.Length == 1)
            {
                // Decoding: the row is used, and the answer put, where it lies.
                ReadOnlyMemory<float> row = rows.Rows.Slice(slots[0] / routing.TopK * _hidden, _hidden);
                ExpertNetworkRunner.Run(experts[expert], row, 1, slotRows.Slice(slots[0] * _hidden, _hidden), _executor.TorchDevice);
            }
            else if (slots.Length > 1)
            {
                ApplyGroup(experts[expert], rows, slots, slotRows.Span);
            }
        }

        ExpertCombine.WeightedSum(slotRows.Span, routing, _hidden, output.Span);
    }

    private void ApplyGroup(IExpertNetwork expert, RoutedRows rows, ReadOnlySpan<int> slots, Span<float> slotRows)
    {
        Memory<float> gathered = Scratch(ref _gathered, slots.Length * _hidden);
        Memory<float> computed = Scratch(ref _computed, slots.Length * _hidden);
        ReadOnlySpan<float> source = rows.Rows.Span;
        Span<float> target = gathered.Span;
        for (int i = 0; i < slots.Length; i++)
        {
            source.Slice(slots[i] / rows.Routing.TopK * _hidden, _hidden).CopyTo(target[(i * _hidden)..]);
        }

        ExpertNetworkRunner.Run(expert, gathered, slots.Length, computed, _executor.TorchDevice);
        ReadOnlySpan<float> answers = computed.Span;
        for (int i = 0; i < slots.Length; i++)
        {
            answers.Slice(i * _hidden, _hidden).CopyTo(slotRows[(slots[i] * _hidden)..]);
        }
    }
}
