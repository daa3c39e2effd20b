namespace ExpertCluster.Moe.Routing;

/// <summary>Second step of a gate: which experts each token wants.</summary>
public interface ISelectionPolicy
{
    /// <summary>Selects; ties go to the lowest index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More choices than experts.</exception>
    ExpertSelection Select(RouterScores scores, RoutingContext context);
}
