namespace ExpertCluster.Cli.Verification;

/// <summary>Which stack of layers a golden state is of.</summary>
internal enum GoldenSide
{
    /// <summary>A decoder-only model's only one.</summary>
    Only,

    /// <summary>An encoder–decoder's encoder.</summary>
    Encoder,

    /// <summary>Its decoder.</summary>
    Decoder,
}
