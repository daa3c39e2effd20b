using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Routing;

/// <summary>Logs frames that were lost: a node that is gone loses several a second, and one warning now and then says so.</summary>
internal sealed class LossLog(ILogger log, string model, int layer)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private readonly Dictionary<NodeId, DateTimeOffset> _last = [];

    public void Report(NodeId node, int segments, string reason, DateTimeOffset now)
    {
        if (_last.TryGetValue(node, out var last) && now - last < Interval)
        {
            RouterLog.FrameLostAgain(log, model, layer, node, segments, reason);
            return;
        }

        _last[node] = now;
        RouterLog.FrameLost(log, model, layer, node, segments, reason);
    }
}
