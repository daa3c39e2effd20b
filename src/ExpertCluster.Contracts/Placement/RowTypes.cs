namespace ExpertCluster.Contracts;

/// <summary>Arithmetic of <see cref="RowType"/>.</summary>
public static class RowTypes
{
    /// <summary>Bytes of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such type.</exception>
    public static int Size(this RowType type) => type switch
    {
        RowType.Float32 => sizeof(float),
        RowType.BFloat16 => sizeof(ushort),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such element type."),
    };
}
