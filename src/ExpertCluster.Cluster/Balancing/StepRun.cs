using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>A step while it is carried out.</summary>
internal sealed class StepRun(MoveStep step)
{
    public MoveStep Step { get; } = step;

    public StepPhase Phase { get; private set; }

    /// <summary>Since when it is in this phase.</summary>
    public DateTimeOffset Since { get; private set; }

    /// <summary>The copy it made; null before.</summary>
    public ReplicaId? Added { get; set; }

    /// <summary>The copy it retires; null before.</summary>
    public ReplicaId? Retired { get; set; }

    /// <summary>Why it was given up; null otherwise.</summary>
    public string? Problem { get; private set; }

    public bool IsOver => Phase is StepPhase.Done or StepPhase.RolledBack;

    public void Enter(StepPhase phase, DateTimeOffset now, string? problem = null)
    {
        (Phase, Since, Problem) = (phase, now, problem);
    }
}
