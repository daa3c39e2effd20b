using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ExpertCluster.Tensors;

/// <summary>Tensors over memory that .NET owns, without copying it.</summary>
public static class TensorMemory
{
    /// <summary>
    /// A CPU tensor over memory owned by the caller. Nothing is copied; the memory must stay in place until the tensor, and every
    /// view of it, is disposed.
    /// </summary>
    /// <param name="data">First element; pinned or native memory.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Shape; its product is the number of elements the memory must hold.</param>
    /// <exception cref="ArgumentException">The shape has negative sizes.</exception>
    public static unsafe Tensor Wrap(void* data, ScalarType type, params ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (long size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            count = checked(count * size);
        }

        nint handle = TorchNative.FromMemory(data, count, (sbyte)type);
        if (handle == 0)
        {
            CheckForErrors();
        }

        Tensor flat = Tensor.UnsafeCreateTensor(handle);
        if (shape.Length == 1)
        {
            return flat;
        }

        try
        {
            return flat.view(shape.ToArray());
        }
        finally
        {
            flat.Dispose();
        }
    }

    /// <summary>Where the float32 elements of a CPU tensor lie; valid while the tensor, or another one over its storage, lives.</summary>
    /// <param name="source">Contiguous float32 tensor on the CPU with at least one element.</param>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static unsafe float* Address(Tensor source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.device_type != DeviceType.CPU || source.dtype != ScalarType.Float32 || !source.is_contiguous())
        {
            throw new ArgumentException("Only a contiguous float32 tensor on the CPU has an address to work with.", nameof(source));
        }

        // One element of it: the span over all of a tensor ends at 2 GB.
        using Tensor first = source.as_strided([1], [1], 0);
        fixed (byte* address = first.bytes)
        {
            return (float*)address;
        }
    }

    /// <summary>Copies the float32 elements of a tensor, in row-major order, to <paramref name="target"/>.</summary>
    /// <param name="source">Float32 tensor on any device, contiguous or not.</param>
    /// <param name="target">Exactly as long as the tensor has elements.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static unsafe void CopyTo(Tensor source, Span<float> target)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.NumberOfElements != target.Length)
        {
            throw new ArgumentException($"The tensor has {source.NumberOfElements} elements, the target {target.Length}.", nameof(target));
        }

        if (source.device_type == DeviceType.CPU && target.Length < int.MaxValue / sizeof(float) && source.is_contiguous())
        {
            MemoryMarshal.Cast<byte, float>(source.bytes).CopyTo(target);
            return;
        }

        fixed (float* pointer = target)
        {
            using Tensor wrapped = Wrap(pointer, ScalarType.Float32, target.Length);
            using Tensor flat = source.reshape(-1);
            // copy_ returns the object it is called on: wrapped, disposed above.
            wrapped.copy_(flat);
        }
    }
}
