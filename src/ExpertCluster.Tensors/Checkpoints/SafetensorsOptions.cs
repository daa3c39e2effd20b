namespace ExpertCluster.Tensors.Checkpoints;

/// <summary>Limits for reading safetensors files.</summary>
public sealed record SafetensorsOptions
{
    /// <summary>The limits used where none are given.</summary>
    public static SafetensorsOptions Default { get; } = new();

    /// <summary>Longest header accepted, in bytes. Default 100 MB, as the reference implementation has it.</summary>
    public long MaxHeaderLength { get; init; } = 100_000_000;
}
