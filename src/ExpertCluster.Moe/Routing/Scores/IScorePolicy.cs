namespace ExpertCluster.Moe.Routing;

/// <summary>First step of a gate: turns router logits into what experts are ranked and weighted by.</summary>
public interface IScorePolicy
{
    /// <summary>Scores a batch.</summary>
    /// <param name="router">Logits [T,E], checked.</param>
    /// <param name="context">Whether noise applies, and where it comes from.</param>
    RouterScores Score(RouterOutput router, RoutingContext context);
}
