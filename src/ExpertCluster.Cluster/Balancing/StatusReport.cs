using System.Globalization;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>Puts the balancer's state into one word and a sentence.</summary>
internal static class StatusReport
{
    public static BalancerStatus Of(NodeId self, ClusterBalancer balancer, Rebalancer rebalancer)
    {
        var (state, detail) = Describe(balancer, rebalancer);
        var moves = balancer.Moves;
        return new BalancerStatus(self, state, detail, moves.Made, moves.BytesMade, moves.Plans, moves.RolledBack);
    }

    private static (string State, string Detail) Describe(ClusterBalancer balancer, Rebalancer rebalancer)
    {
        if (!balancer.Members.HasMajority)
        {
            return ("waiting", "too few members answer to tell whether another balancer has taken over");
        }

        if (balancer.Models.FirstOrDefault(m => !m.IsPlanned) is { } early)
        {
            return ("waiting", $"{early.Name} is not placed yet");
        }

        if (balancer.Moves.Active is { } plan)
        {
            return ("moving", string.Create(CultureInfo.InvariantCulture, $"{plan.Name} of {plan.Model}: {plan.Done} of {plan.Steps.Count} steps done, {plan.RolledBack} rolled back, since {plan.Reason}"));
        }

        var leaving = balancer.Leaving();
        var held = balancer.Models.Sum(m => m.Replicas.Count(e => leaving.Contains(e.Node)));
        if (held > 0)
        {
            return ("draining", $"{held} replicas are on nodes that leave ({string.Join(", ", leaving.Order().Select(n => n.HostPort))})");
        }

        var busy = balancer.Models.Sum(m => m.Replicas.Count(e => e.State != ReplicaState.Ready));
        return busy > 0 ? ("repairing", $"{busy} replicas are on their way")
            : rebalancer.Suspended is { } reason ? ("suspended", reason)
            : ("idle", "");
    }
}
