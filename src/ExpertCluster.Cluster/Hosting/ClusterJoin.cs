using Akka.Actor;
using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>Makes a node a member.</summary>
internal static class ClusterJoin
{
    /// <summary>Joins through the seeds, or forms a cluster where there are none.</summary>
    /// <exception cref="JoinFailedException">The cluster did not take this node in time.</exception>
    public static async Task JoinAsync(Akka.Cluster.Cluster cluster, NodeOptions node, TimeProvider time, CancellationToken cancellationToken)
    {
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.RegisterOnMemberUp(() => up.TrySetResult());
        cluster.RegisterOnMemberRemoved(() => up.TrySetCanceled());
        if (node.Seeds.Count == 0)
        {
            cluster.Join(cluster.SelfAddress);
        }
        else
        {
            cluster.JoinSeedNodes([.. node.Seeds.Select(
                seed => Address.Parse($"{cluster.SelfAddress.Protocol}://{cluster.SelfAddress.System}@{seed}"))]);
        }

        try
        {
            await up.Task.WaitAsync(node.JoinTimeout, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new JoinFailedException(
                $"{cluster.SelfAddress} could not join the cluster within {node.JoinTimeout} "
                + $"(ExpertCluster:Node:JoinTimeout) through its seeds {string.Join(", ", node.Seeds)}: is one of them running, and the "
                + "same on all nodes?", e);
        }
    }
}
