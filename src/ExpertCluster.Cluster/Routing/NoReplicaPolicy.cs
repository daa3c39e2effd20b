using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Routing;

/// <summary>
/// Decides about rows whose expert has no ready replica: they wait, are left out of their tokens' sums, or fail their request
/// (<see cref="RouterOptions.NoReplica"/>). Before anything is placed there is no model to answer with, and what would be degraded fails.
/// </summary>
internal sealed class NoReplicaPolicy(
    string model, int layer, int experts, RouterOptions options, PlacementBoard board, MissingExperts missing, ILogger log)
{
    private readonly DateTimeOffset?[] _missingSince = new DateTimeOffset?[experts];
    private bool _told;

    /// <summary>Takes out of the queues what will not wait any longer, and ends or goes on with the works it is of.</summary>
    /// <param name="waiting">Segments not sent, by expert.</param>
    /// <param name="now">The time.</param>
    public void Enforce(SegmentQueue[] waiting, DateTimeOffset now)
    {
        if (options.NoReplica == RouterOptions.WaitForReplica)
        {
            return;
        }

        var routes = board.Routes(model, layer);
        Dictionary<RouteWork, List<Segment>>? lost = null;
        var any = false;
        for (var expert = 0; expert < waiting.Length; expert++)
        {
            if (routes is not null && !routes.Ready(expert).IsEmpty)
            {
                _missingSince[expert] = null;
                continue;
            }

            any = true;
            _missingSince[expert] ??= now;
            if (now - _missingSince[expert] >= options.NoReplicaPatience)
            {
                TakeOut(waiting[expert], lost ??= []);
            }
        }

        _told &= any;
        foreach (var (work, segments) in lost ?? [])
        {
            End(work, segments);
        }
    }

    private static void TakeOut(SegmentQueue queue, Dictionary<RouteWork, List<Segment>> lost)
    {
        while (queue.TryDequeue(out var segment))
        {
            if (segment.Work.IsOver)
            {
                continue;
            }

            if (!lost.TryGetValue(segment.Work, out var segments))
            {
                lost[segment.Work] = segments = [];
            }

            segments.Add(segment);
        }
    }

    private void End(RouteWork work, List<Segment> segments)
    {
        if (options.NoReplica == RouterOptions.Fail || board.Routes(model, layer) is null)
        {
            var topK = work.Rows.Routing.TopK;
            Fail(work, segments, "have no ready replica", segments.SelectMany(s => s.Slots.ToArray().Select(slot => slot / topK)));
            return;
        }

        if (!_told)
        {
            _told = true;
            RouterLog.Degraded(log, model, layer, string.Join(", ", Experts(segments)), missing.Because());
        }

        var bare = work.LeaveOut(segments);
        if (bare.Count > 0)
        {
            Fail(work, segments, "have no ready replica, and a token has no other expert", bare);
        }
    }

    private void Fail(RouteWork work, List<Segment> segments, string what, IEnumerable<int> rows) => work.Fail(
        RequestError.ExpertsUnavailable,
        $"{missing.Name(Experts(segments))} {what}{missing.Because()} (ExpertCluster:Router:NoReplica = {options.NoReplica}).",
        [.. rows.Distinct().Order()]);

    private static IEnumerable<int> Experts(List<Segment> segments) => segments.Select(s => s.Expert).Distinct().Order();
}
