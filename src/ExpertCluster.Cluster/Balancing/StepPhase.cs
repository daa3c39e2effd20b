namespace ExpertCluster.Cluster.Balancing;

/// <summary>Where a step of a plan is.</summary>
internal enum StepPhase
{
    /// <summary>Not begun.</summary>
    Waiting,

    /// <summary>The new copy reads its weights and answers the probe.</summary>
    Loading,

    /// <summary>The old copy finishes what it holds.</summary>
    Retiring,

    /// <summary>Carried out.</summary>
    Done,

    /// <summary>Given up; what was begun is undone.</summary>
    RolledBack,
}
