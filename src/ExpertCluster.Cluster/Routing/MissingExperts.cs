using ExpertCluster.Cluster.Placement;

namespace ExpertCluster.Cluster.Routing;

/// <summary>Finds experts of a layer that have no ready replica, and says why.</summary>
internal sealed class MissingExperts(string model, int layer, PlacementBoard board)
{
    private const int MostNamed = 8;

    /// <summary>Those that a work waits for, ascending.</summary>
    /// <param name="work">The work.</param>
    /// <param name="waiting">Segments not sent, by expert.</param>
    public List<int> Of(RouteWork work, SegmentQueue[] waiting)
    {
        var routes = board.Routes(model, layer);
        return [.. Enumerable.Range(0, waiting.Length).Where(
            e => waiting[e].Any(s => s.Work == work) && (routes is null || routes.Ready(e).IsEmpty))];
    }

    /// <summary>Some of them, for a message.</summary>
    public string Name(IEnumerable<int> experts) => $"Experts {string.Join(", ", experts.Take(MostNamed))} of {model} layer {layer}";

    /// <summary>The balancer's reason, with a colon before it; empty where none is known.</summary>
    public string Because() => board.Problem(model, [layer]) is { } problem ? $": {problem}"
        : board.Routes(model, layer) is null ? ": nothing is placed yet; the balancer waits for ExpertCluster:Balancer:MinExpertNodes"
        : "";
}
