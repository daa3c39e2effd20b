using System.Runtime.InteropServices;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>A tensor for <see cref="SafetensorsWriter"/>: its entry, and how to produce its bytes when their turn comes.</summary>
public sealed class TensorToWrite
{
    /// <summary>Creates a tensor from a writer of its bytes.</summary>
    /// <param name="name">Name in the file.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Shape.</param>
    /// <param name="write">Writes exactly the tensor's bytes, little-endian and row-major.</param>
    public TensorToWrite(string name, TensorType type, long[] shape, Action<Stream> write)
    {
        Name = name;
        Type = type;
        Shape = shape;
        Write = write;
        ByteLength = shape.Aggregate((long)type.Size(), (product, size) => checked(product * size));
    }

    /// <summary>Name in the file.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public TensorType Type { get; }

    /// <summary>Shape.</summary>
    public long[] Shape { get; }

    /// <summary>Bytes it takes.</summary>
    public long ByteLength { get; }

    /// <summary>Writes the tensor's bytes.</summary>
    public Action<Stream> Write { get; }

    /// <summary>A float32 tensor from an array.</summary>
    public static TensorToWrite Floats(string name, long[] shape, float[] values) =>
        new(name, TensorType.F32, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.AsSpan())));

    /// <summary>An int64 tensor from an array.</summary>
    public static TensorToWrite Longs(string name, long[] shape, long[] values) =>
        new(name, TensorType.I64, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.AsSpan())));

    /// <summary>A tensor from raw bytes.</summary>
    public static TensorToWrite Bytes(string name, TensorType type, long[] shape, byte[] bytes) =>
        new(name, type, shape, stream => stream.Write(bytes));
}
