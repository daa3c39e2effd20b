namespace ExpertCluster.Cluster.Load;

/// <summary>What a look for drift came to.</summary>
public enum DriftState
{
    /// <summary>The load is as planned for.</summary>
    Quiet,

    /// <summary>Too few rows to say anything.</summary>
    NotEnoughData,

    /// <summary>It is not long since the last plan.</summary>
    CoolingDown,

    /// <summary>Drift, and no placement could do much better.</summary>
    NothingToGain,

    /// <summary>Drift, not yet seen often enough.</summary>
    Confirming,

    /// <summary>Drift: plan anew.</summary>
    Fires,
}
