using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Routing;

/// <summary>Fails works whose deadline passed, and says why they were not done.</summary>
internal sealed class RouteDeadlines(string model, int layer, MissingExperts missing)
{
    /// <summary>Fails what is late.</summary>
    /// <param name="works">All works under way.</param>
    /// <param name="waiting">Segments not sent, by expert.</param>
    /// <param name="now">The time.</param>
    public void Enforce(IEnumerable<RouteWork> works, SegmentQueue[] waiting, DateTimeOffset now)
    {
        foreach (var work in works.Where(work => !work.IsOver && work.Deadline <= now))
        {
            if (missing.Of(work, waiting) is { Count: > 0 } experts)
            {
                work.Fail(RequestError.ExpertsUnavailable, $"{missing.Name(experts)} had no ready replica before the deadline{missing.Because()}.");
            }
            else
            {
                work.Fail(RequestError.DeadlineExceeded, $"The deadline passed while {work.Remaining} of {work.Rows.Routing.Experts.Length} "
                    + $"rows of {model} layer {layer} were unanswered.");
            }
        }
    }
}
