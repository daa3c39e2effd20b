namespace ExpertCluster.Cluster.Planning;

/// <summary>How a placement is looked for.</summary>
public enum PlannerStrategy
{
    /// <summary>A full plan relabelled onto the present placement, and a bounded search from the present placement; the cheaper of equal gain.</summary>
    Balanced,

    /// <summary>The published algorithm (deepseek-ai/EPLB), second copies on a device removed. Blind to the present placement: the baseline.</summary>
    Eplb,

    /// <summary>Copies the hottest experts to every device while the estimated time falls (He et al. 2022, FasterMoE, shadowing).</summary>
    Shadow,

    /// <summary>Copies the hottest few experts to every device, and leaves the others where they are.</summary>
    ReplicateTop,
}
