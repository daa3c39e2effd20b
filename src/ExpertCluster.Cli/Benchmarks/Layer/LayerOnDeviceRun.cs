using ExpertCluster.Moe;
using ExpertCluster.Moe.Layers;
using ExpertCluster.Tensors;
using TorchSharp;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>Rows on a device, and the calls on them that are measured.</summary>
internal sealed class LayerOnDeviceRun : IDisposable
{
    /// <summary>Calls queued before a CUDA device is waited for, as an engine queues its layers; the wait is shared by them.</summary>
    private const int QueuedCalls = 10;

    private readonly DeviceExecutor _executor;
    private readonly ScriptedLayer _layer;
    private readonly torch.Tensor _rows;
    private readonly torch.Tensor _sorted;
    private readonly torch.Tensor _inner;
    private readonly torch.Tensor _ends;
    private readonly bool _onHost;

    /// <summary>Call on the executor.</summary>
    public LayerOnDeviceRun(DeviceExecutor executor, ScriptedLayer layer, float[] input, int tokens, ExpertGroups groups, int experts)
    {
        (_executor, _layer) = (executor, layer);
        var device = executor.TorchDevice;
        _onHost = device.type == DeviceType.CPU;
        var ends = new int[experts];
        for (var expert = 0; expert < experts; expert++)
        {
            ends[expert] = (expert == 0 ? 0 : ends[expert - 1]) + groups.Count(expert);
        }

        UsedExperts = Enumerable.Range(0, experts).Count(expert => groups.Count(expert) > 0);
        _rows = torch.tensor(input, [tokens, layer.HiddenSize]).to(device).DetachFromDisposeScope();
        _sorted = torch.randn([ends[^1], layer.HiddenSize], device: device).to(layer.Type).DetachFromDisposeScope();
        _inner = torch.randn([ends[^1], layer.IntermediateSize], device: device).to(layer.Type).DetachFromDisposeScope();
        _ends = torch.tensor(ends, device: device).DetachFromDisposeScope();
    }

    /// <summary>Calls that one measured call makes.</summary>
    public int Calls => _onHost ? 1 : QueuedCalls;

    /// <summary>Experts that have rows: their weights must be read.</summary>
    public int UsedExperts { get; }

    /// <summary>The whole layer, <see cref="Calls"/> times.</summary>
    public Task DirectAsync() => Repeated(() => _layer.Forward(_rows).Dispose());

    /// <summary>Its products, <see cref="Calls"/> times.</summary>
    public Task BareAsync() => Repeated(() => _layer.Products(_sorted, _inner, _ends));

    /// <summary>The layer's answer.</summary>
    public Task CopyToAsync(float[] output) => _executor.RunAsync(() =>
    {
        using var answer = _layer.Forward(_rows);
        using var widened = answer.to(torch.ScalarType.Float32);
        TensorMemory.CopyTo(widened, output);
    });

    public void Dispose() => _executor.Free(() =>
    {
        _rows.Dispose();
        _sorted.Dispose();
        _inner.Dispose();
        _ends.Dispose();
    });

    private Task Repeated(Action call) => _executor.RunAsync(() =>
    {
        for (var i = 0; i < Calls; i++)
        {
            call();
        }

        if (!_onHost)
        {
            torch.cuda.synchronize(_executor.TorchDevice);
        }
    });
}
