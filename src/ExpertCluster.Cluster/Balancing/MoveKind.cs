namespace ExpertCluster.Cluster.Balancing;

/// <summary>What a step of a plan does.</summary>
internal enum MoveKind
{
    /// <summary>One more copy.</summary>
    Add,

    /// <summary>One copy less.</summary>
    Retire,

    /// <summary>A new copy, then the old one goes.</summary>
    Move,
}
