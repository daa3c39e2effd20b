using System.Buffers;
using ExpertCluster.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// Runs one expert on rows that lie in .NET memory, for once: a probe, a test. Whoever computes again and again has an
/// <see cref="ExpertBatchRunner"/>.
/// </summary>
public static class ExpertNetworkRunner
{
    /// <summary>Computes an expert; call on its device's executor thread. On the CPU the rows are used where they lie.</summary>
    /// <param name="network">The expert.</param>
    /// <param name="rows">Float32 [count,H], row-major; converted where the expert computes in another type.</param>
    /// <param name="count">Number of rows; 0 does nothing.</param>
    /// <param name="output">Receives float32 [count,H].</param>
    /// <param name="device">The expert's device.</param>
    /// <exception cref="ArgumentException"><paramref name="rows"/> or <paramref name="output"/> is too short.</exception>
    public static unsafe void Run(IExpertNetwork network, ReadOnlyMemory<float> rows, int count, Memory<float> output, Device device)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        long length = (long)count * network.HiddenSize;
        if (rows.Length < length || output.Length < length)
        {
            throw new ArgumentException(
                $"{rows.Length} values in and {output.Length} out are too few for {count} rows of {network.HiddenSize}.", nameof(rows));
        }

        if (count == 0)
        {
            return;
        }

        using MemoryHandle pin = rows.Pin();
        using Tensor wrapped = TensorMemory.Wrap(pin.Pointer, ScalarType.Float32, count, network.HiddenSize);
        bool onHost = device.type == DeviceType.CPU;
        using Tensor? moved = onHost ? null : wrapped.to(device);
        using Tensor result = network.Forward(moved ?? wrapped);
        using Tensor? widened = WeightType.Converted(result, ScalarType.Float32);
        TensorMemory.CopyTo(widened ?? result, output.Span[..(int)length]);
    }
}
