namespace ExpertCluster.Cluster.Load;

/// <summary>What rows are of.</summary>
public enum LoadPhase
{
    /// <summary>Prompts, sources and forward passes: many rows of a sequence at once.</summary>
    Prefill,

    /// <summary>Generated tokens: one row of a sequence at a time.</summary>
    Decode,
}
