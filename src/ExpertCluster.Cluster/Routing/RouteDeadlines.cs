using ExpertCluster.Cluster.Placement;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Routing;

/// <summary>Fails works whose deadline passed, and says why they were not done.</summary>
internal sealed class RouteDeadlines(string model, int layer, PlacementBoard board)
{
    /// <summary>Fails what is late.</summary>
    /// <param name="works">All works under way.</param>
    /// <param name="waiting">Segments not sent, by expert.</param>
    /// <param name="now">The time.</param>
    public void Enforce(IEnumerable<RouteWork> works, SegmentQueue[] waiting, DateTimeOffset now)
    {
        foreach (var work in works.Where(work => !work.IsOver && work.Deadline <= now))
        {
            var missing = MissingExperts(work, waiting);
            if (missing.Count > 0)
            {
                work.Fail(RequestError.ExpertsUnavailable, $"Experts {string.Join(", ", missing.Take(8))} of {model} layer {layer} had no "
                    + $"ready replica before the deadline{Because()}.");
            }
            else
            {
                work.Fail(RequestError.DeadlineExceeded, $"The deadline passed while {work.Remaining} of {work.Rows.Routing.Experts.Length} "
                    + $"rows of {model} layer {layer} were unanswered.");
            }
        }
    }

    private List<int> MissingExperts(RouteWork work, SegmentQueue[] waiting)
    {
        var routes = board.Routes(model, layer);
        return [.. Enumerable.Range(0, waiting.Length).Where(
            e => waiting[e].Any(s => s.Work == work) && (routes is null || routes.Ready(e).IsEmpty))];
    }

    private string Because() => board.Problem(model, [layer]) is { } problem ? $": {problem}"
        : board.Routes(model, layer) is null ? ": nothing is placed yet; the balancer waits for ExpertCluster:Balancer:MinExpertNodes"
        : "";
}
