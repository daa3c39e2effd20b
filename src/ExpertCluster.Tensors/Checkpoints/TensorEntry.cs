namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>What a checkpoint says about one tensor, read from a header alone.</summary>
/// <param name="Name">Name in the checkpoint.</param>
/// <param name="Type">Element type on disk.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="ByteLength">Bytes on disk.</param>
public sealed record TensorEntry(string Name, TensorType Type, long[] Shape, long ByteLength)
{
    /// <summary>Where the bytes start, counted from the start of the file's data section.</summary>
    internal long Offset { get; init; }

    /// <summary>The shape as people write it, such as <c>[256, 64]</c>.</summary>
    public string ShapeText => Format(Shape);

    /// <summary>Formats a shape as people write it.</summary>
    public static string Format(IEnumerable<long> shape) => "[" + string.Join(", ", shape) + "]";
}
