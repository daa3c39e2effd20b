namespace ExpertCluster.Cluster.Planning;

/// <summary>
/// Decides where the replicas of experts should be. Pure and deterministic: no clock, no I/O, and the same problem and options give the same plan
/// whatever the order of lists and dictionaries.
/// </summary>
public static class Planner
{
    /// <summary>Plans all layers.</summary>
    /// <exception cref="InvalidDataException">A value of the problem or an option makes no sense; the message names key and value.</exception>
    public static PlacementPlan Plan(PlanProblem problem, PlannerOptions? options = null) =>
        throw new NotImplementedException();
}
