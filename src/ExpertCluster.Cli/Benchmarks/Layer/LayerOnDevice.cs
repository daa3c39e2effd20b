using ExpertCluster.Cli.Output;
using ExpertCluster.Models;
using ExpertCluster.Moe;
using ExpertCluster.Moe.Layers;
using ExpertCluster.Tensors;
using TorchSharp;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>The layer of <c>bench layer</c> on a device, or in bfloat16: weights and rows lie there, and one script call computes it.</summary>
internal sealed class LayerOnDevice : IDisposable
{
    private readonly DeviceExecutor _executor;
    private readonly ScriptedLayer _layer;

    private LayerOnDevice(DeviceExecutor executor, ScriptedLayer layer)
    {
        _executor = executor;
        _layer = layer;
    }

    /// <summary>Opens the device that the call names.</summary>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static DeviceExecutor Open(LayerBenchmarkSettings settings)
    {
        try
        {
            return new DeviceExecutor(settings.Device, settings.DirectThreads);
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"--device {settings.Device}: {e.Message.Split(" (Parameter", 2)[0]}");
        }
    }

    /// <summary>Loads the layer; null where the call wants float32 on the CPU, which is measured without scripts.</summary>
    public static async Task<LayerOnDevice?> LoadAsync(LayerBenchmarkSettings settings, ModelCheckpoint checkpoint, DeviceExecutor executor) =>
        !settings.IsScripted ? null : await executor.RunAsync(() =>
        {
            var gate = checkpoint.Tensors.Read(
                "model.layers.0.block_sparse_moe.gate.weight", executor.TorchDevice, torch.ScalarType.Float32, settings.Experts, settings.Hidden);
            return new LayerOnDevice(executor, ScriptedLayer.Load(
                gate.DetachFromDisposeScope(), settings.TopK,
                expert => checkpoint.LoadExpert(0, expert, executor.TorchDevice, settings.IsBFloat16 ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32)));
        });

    /// <summary>Puts rows on the device.</summary>
    public Task<LayerOnDeviceRun> PrepareAsync(float[] input, int tokens, RoutingDecision routing, int experts) =>
        _executor.RunAsync(() => new LayerOnDeviceRun(_executor, _layer, input, tokens, ExpertGroups.Build(routing, experts), experts));

    public void Dispose() => _executor.Free(_layer.Dispose);
}
