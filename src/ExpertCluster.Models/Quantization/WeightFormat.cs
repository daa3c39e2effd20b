namespace ExpertCluster.Models;

/// <summary>How a checkpoint stores matrices beyond plain floating-point types: the <c>quantization_config</c> of its config.json.</summary>
public sealed record WeightFormat
{
    /// <summary>Nothing but F32, F16 and BF16.</summary>
    public static WeightFormat Plain { get; } = new();

    /// <summary>Rows and columns of a block that shares an FP8 scale; null where FP8 is not expected.</summary>
    public (int Rows, int Columns)? Float8Block { get; private init; }

    /// <summary>Whether experts are MXFP4 blocks.</summary>
    public bool Mxfp4 { get; private init; }

    /// <summary>Reads and checks.</summary>
    /// <param name="config">The config.json.</param>
    /// <param name="mxfp4">Whether the family knows MXFP4 experts.</param>
    /// <exception cref="ModelException">A method this program does not know.</exception>
    internal static WeightFormat Read(ConfigFile config, bool mxfp4 = false)
    {
        if (config.Section("quantization_config") is not { } section)
        {
            return Plain;
        }

        string? method = section.Text("quant_method");
        if (method == "mxfp4" && mxfp4)
        {
            Keys(section, "quant_method", "modules_to_not_convert");
            return new WeightFormat { Mxfp4 = true };
        }

        if (method != "fp8")
        {
            throw config.Error(
                "quantization_config", $"has quant_method \"{method}\", which is not supported here; only fp8{(mxfp4 ? " and mxfp4 are" : " is")}.");
        }

        // Which modules stay unconverted shows in their tensors' types; activations are float32 here, so their scheme changes nothing.
        Keys(section, "quant_method", "modules_to_not_convert", "fmt", "activation_scheme", "weight_block_size", "dequantize", "scale_fmt");
        section.OnlyOneOf("fmt", "\"e4m3\"");
        section.OnlyOneOf("activation_scheme", "\"dynamic\"");
        IReadOnlyList<int> block = section.Ints("weight_block_size", 1, 1 << 20);
        return block.Count == 2
            ? new WeightFormat { Float8Block = (block[0], block[1]) }
            : throw section.Error("weight_block_size", $"has {block.Count} numbers; it must have two, rows and columns.");
    }

    private static void Keys(ConfigFile section, params string[] known)
    {
        if (section.Keys.FirstOrDefault(key => !known.Contains(key)) is { } other)
        {
            throw section.Error(other, "is not known.");
        }
    }
}
