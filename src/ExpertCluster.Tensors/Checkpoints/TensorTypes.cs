using TorchSharp;

namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>Names, sizes and libtorch counterparts of <see cref="TensorType"/>.</summary>
public static class TensorTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this TensorType type) => type switch
    {
        TensorType.Bool or TensorType.U8 or TensorType.I8 or TensorType.F8E4M3 or TensorType.F8E5M2 => 1,
        TensorType.U16 or TensorType.I16 or TensorType.F16 or TensorType.BF16 => 2,
        TensorType.U32 or TensorType.I32 or TensorType.F32 => 4,
        TensorType.U64 or TensorType.I64 or TensorType.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a tensor type."),
    };

    /// <summary>The name safetensors headers use, such as <c>BF16</c>.</summary>
    public static string HeaderName(this TensorType type) => type switch
    {
        TensorType.Bool => "BOOL",
        TensorType.F8E4M3 => "F8_E4M3",
        TensorType.F8E5M2 => "F8_E5M2",
        _ => type.ToString(),
    };

    /// <summary>The libtorch element type, or null where TorchSharp has none.</summary>
    public static torch.ScalarType? ToScalarType(this TensorType type) => type switch
    {
        TensorType.Bool => torch.ScalarType.Bool,
        TensorType.U8 => torch.ScalarType.Byte,
        TensorType.I8 => torch.ScalarType.Int8,
        TensorType.I16 => torch.ScalarType.Int16,
        TensorType.I32 => torch.ScalarType.Int32,
        TensorType.I64 => torch.ScalarType.Int64,
        TensorType.F16 => torch.ScalarType.Float16,
        TensorType.BF16 => torch.ScalarType.BFloat16,
        TensorType.F32 => torch.ScalarType.Float32,
        TensorType.F64 => torch.ScalarType.Float64,
        _ => null,
    };

    /// <summary>Finds a type by its name in a header.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> name, out TensorType type)
    {
        TensorType? found = name switch
        {
            _ when name.SequenceEqual("F32"u8) => TensorType.F32,
            _ when name.SequenceEqual("BF16"u8) => TensorType.BF16,
            _ when name.SequenceEqual("F16"u8) => TensorType.F16,
            _ when name.SequenceEqual("I64"u8) => TensorType.I64,
            _ when name.SequenceEqual("I32"u8) => TensorType.I32,
            _ when name.SequenceEqual("I16"u8) => TensorType.I16,
            _ when name.SequenceEqual("I8"u8) => TensorType.I8,
            _ when name.SequenceEqual("U8"u8) => TensorType.U8,
            _ when name.SequenceEqual("BOOL"u8) => TensorType.Bool,
            _ when name.SequenceEqual("F64"u8) => TensorType.F64,
            _ when name.SequenceEqual("U64"u8) => TensorType.U64,
            _ when name.SequenceEqual("U32"u8) => TensorType.U32,
            _ when name.SequenceEqual("U16"u8) => TensorType.U16,
            _ when name.SequenceEqual("F8_E4M3"u8) => TensorType.F8E4M3,
            _ when name.SequenceEqual("F8_E5M2"u8) => TensorType.F8E5M2,
            _ => null,
        };
        type = found ?? default;
        return found is not null;
    }
}
