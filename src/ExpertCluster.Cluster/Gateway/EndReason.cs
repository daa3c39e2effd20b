namespace ExpertCluster.Cluster.Gateway;

/// <summary>Why a generation ended.</summary>
public enum EndReason
{
    /// <summary>An end token or a stop text.</summary>
    Stop,

    /// <summary>The limit on new tokens, or the model's context.</summary>
    Length,
}
