using System.Runtime.InteropServices;
using ExpertCluster.Tensors.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families;

/// <summary>Reads weights as one type whatever a checkpoint stores them as. What is stored in fewer bits becomes float32 first.</summary>
/// <param name="tensors">The checkpoint.</param>
/// <param name="format">What to expect beyond plain types.</param>
/// <param name="type">What to read as: float32, or bfloat16, to which wider values are rounded.</param>
public sealed class WeightReader(CheckpointTensors tensors, WeightFormat format, ScalarType type = ScalarType.Float32)
{
    private const string ScaleSuffix = "_scale_inv";

    /// <summary>What weights are read as.</summary>
    public ScalarType Type => type;

    /// <summary>Whether the checkpoint has a tensor.</summary>
    public bool Contains(string name) => tensors.Contains(name);

    /// <summary>Checks from headers alone that a weight is there.</summary>
    /// <exception cref="CheckpointException">It is not, or its scales are not, or a shape or type is wrong.</exception>
    public void Require(string name, params long[] shape)
    {
        if (!IsFloat8(name))
        {
            tensors.Require(name, shape);
            return;
        }

        tensors.FileOf(name).Expect(name, shape);
        tensors.Require(name + ScaleSuffix, ScaleShape(shape));
    }

    /// <summary>Checks from headers alone that a tensor of bytes is there.</summary>
    /// <exception cref="CheckpointException">It is not, or its shape or type is wrong.</exception>
    public void RequireBytes(string name, params long[] shape)
    {
        TensorEntry entry = tensors.FileOf(name).Expect(name, shape);
        if (entry.Type != TensorType.U8)
        {
            throw new CheckpointException(tensors.FileOf(name).Path, name, $"has type {entry.Type.HeaderName()}, expected U8.");
        }
    }

    /// <summary>Reads a weight.</summary>
    /// <returns>A tensor of <see cref="Type"/>, owning its memory, in the current dispose scope if there is one.</returns>
    /// <exception cref="CheckpointException">Missing, or of another shape or type.</exception>
    public Tensor Read(string name, Device device, params long[] shape)
    {
        if (!IsFloat8(name))
        {
            return tensors.Read(name, device, type, shape);
        }

        using Tensor scales = tensors.Read(name + ScaleSuffix, CPU, ScalarType.Float32, ScaleShape(shape));
        tensors.FileOf(name).Expect(name, shape);
        return Dequantise(tensors.Raw(name), scales, shape, device);
    }

    /// <summary>Reads one part along the outermost axis, such as one expert of all; only its own bytes are touched.</summary>
    /// <param name="name">Tensor name.</param>
    /// <param name="index">Index on the outermost axis.</param>
    /// <param name="device">Where it goes.</param>
    /// <param name="shape">Shape of the part.</param>
    /// <exception cref="CheckpointException">Missing, or of another shape or type.</exception>
    public Tensor ReadPart(string name, long index, Device device, params long[] shape)
    {
        if (!IsFloat8(name))
        {
            return tensors.ReadPart(name, index, device, type, shape);
        }

        using Tensor scales = tensors.ReadPart(name + ScaleSuffix, index, CPU, ScalarType.Float32, ScaleShape(shape));
        return Dequantise(tensors.Raw(name, index), scales, shape, device);
    }

    /// <summary>Bytes of one part along the outermost axis.</summary>
    public ReadOnlySpan<byte> Bytes(string name, long index) => tensors.Raw(name, index);

    /// <summary>Reads weights into one tensor, one above the other, holding at most one of them besides.</summary>
    /// <param name="device">Where it goes.</param>
    /// <param name="width">Columns of all of them; null for vectors.</param>
    /// <param name="parts">Names and rows.</param>
    public Tensor Stack(Device device, long? width, params ReadOnlySpan<(string Name, long Rows)> parts)
    {
        long rows = 0;
        foreach ((_, long count) in parts)
        {
            rows += count;
        }

        Tensor all = empty(Shape(rows), type, device);
        long start = 0;
        foreach ((string name, long count) in parts)
        {
            using Tensor part = Read(name, device, Shape(count));
            using Tensor target = all.narrow(0, start, count);
            target.copy_(part);
            start += count;
        }

        return all;

        long[] Shape(long count) => width is { } columns ? [count, columns] : [count];
    }

    /// <summary>Takes float32 values in host memory to a device, as <see cref="Type"/>.</summary>
    /// <param name="values">Disposed of unless it is what is returned.</param>
    /// <param name="device">Where it goes.</param>
    public Tensor Place(Tensor values, Device device)
    {
        if (device.type == DeviceType.CPU && type == ScalarType.Float32)
        {
            return values;
        }

        using (values)
        {
            return values.to(type, device);
        }
    }

    private Tensor Dequantise(ReadOnlySpan<byte> codes, Tensor scales, long[] shape, (int Rows, int Columns) block, Device device)
    {
        Tensor values = empty(shape, ScalarType.Float32);
        Float8.Dequantise(
            codes, (int)shape[^1], MemoryMarshal.Cast<byte, float>(scales.bytes), block, MemoryMarshal.Cast<byte, float>(values.bytes));
        return Place(values, device);
    }

    private Tensor Dequantise(ReadOnlySpan<byte> codes, Tensor scales, long[] shape, Device device) =>
        Dequantise(codes, scales, shape, format.Float8Block!.Value, device);

    private bool IsFloat8(string name) => format.Float8Block is not null && tensors[name].Type == TensorType.F8E4M3;

    private long[] ScaleShape(long[] shape)
    {
        (int rows, int columns) = format.Float8Block!.Value;
        return [.. shape[..^2], (shape[^2] + rows - 1) / rows, (shape[^1] + columns - 1) / columns];
    }
}
