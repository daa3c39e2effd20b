namespace ExpertCluster.Cluster.Planning;

/// <summary>What a step does.</summary>
public enum PlanStepKind
{
    /// <summary>A new copy on <see cref="PlanStep.To"/>.</summary>
    Add,

    /// <summary>The copy on <see cref="PlanStep.From"/> goes.</summary>
    Retire,

    /// <summary>A new copy on <see cref="PlanStep.To"/>; when it is ready, the one on <see cref="PlanStep.From"/> goes.</summary>
    Move,
}
