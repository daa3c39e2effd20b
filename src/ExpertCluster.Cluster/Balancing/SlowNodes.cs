using System.Globalization;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// Finds nodes that are alive but compute far slower than the others: heartbeats do not show that, the time of rows does. Such a node is given nothing, and
/// tried again after a while, each time a longer one.
/// </summary>
internal sealed class SlowNodes(RebalanceOptions options, ClusterBalancer balancer, IBalancerLoad load)
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromHours(1);

    private readonly Dictionary<NodeId, int> _streaks = [];
    private readonly Dictionary<NodeId, (DateTimeOffset Until, TimeSpan Length)> _resting = [];
    private DateTimeOffset _next;

    /// <summary>Looks at every node once an interval.</summary>
    public void Evaluate(DateTimeOffset now)
    {
        if (now < _next)
        {
            return;
        }

        _next = now + options.Interval;
        foreach (var node in balancer.Demoted.Keys.Where(n => !_resting.TryGetValue(n, out var rest) || rest.Until <= now).ToArray())
        {
            balancer.Reinstate(node, "it is tried again");
        }

        var nodes = balancer.Members.Nodes.Values.Where(n => n.Roles.Contains(NodeOptions.ExpertRole)).Select(n => n.Node).ToList();
        foreach (var gone in _streaks.Keys.Concat(_resting.Keys).Except(nodes).ToArray())
        {
            _streaks.Remove(gone);
            _resting.Remove(gone);
        }

        foreach (var node in nodes.Where(n => !balancer.Demoted.ContainsKey(n)))
        {
            var speed = load.Speed(node);
            var streak = _streaks[node] = speed * options.SlowNodeFactor < 1 ? _streaks.GetValueOrDefault(node) + 1 : 0;
            if (streak < options.Confirmations || nodes.Count - balancer.Demoted.Count < 3)
            {
                // Of two nodes nobody can tell which one is not as usual.
                continue;
            }

            var rest = _resting.TryGetValue(node, out var former) ? TimeSpan.FromTicks(Math.Min(former.Length.Ticks * 2, LongestRest.Ticks)) : FirstRest;
            _resting[node] = (now + rest, rest);
            _streaks[node] = 0;
            balancer.Demote(node, string.Create(
                CultureInfo.InvariantCulture, $"its rows take {1 / speed:0.0} times the median of all nodes, seen {streak} times (Rebalance:SlowNodeFactor = {options.SlowNodeFactor}); it rests for {rest}"));
        }
    }
}
