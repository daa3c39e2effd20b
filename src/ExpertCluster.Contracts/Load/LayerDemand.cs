namespace ExpertCluster.Contracts;

/// <summary>Demand for one layer's experts in a few bytes: 1 KiB for 256 of them.</summary>
/// <param name="Layer">Zero-based model layer.</param>
/// <param name="Scale">Rows that a fraction of 1 stands for.</param>
/// <param name="Fractions">Little-endian IEEE half-precision fractions of <paramref name="Scale"/>, for each expert its prompts' rows, then for each
/// its generated tokens' rows.</param>
public sealed record LayerDemand(int Layer, double Scale, ReadOnlyMemory<byte> Fractions);
