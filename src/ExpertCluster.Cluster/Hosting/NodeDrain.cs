using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>Waits until a node that is about to leave holds nothing any more.</summary>
internal sealed class NodeDrain(PlacementBoard board, NodeId self, TimeProvider time, ILogger log)
{
    /// <summary>Returns true when it holds nothing; false when nobody could take its experts, or the time was up.</summary>
    public async Task<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var change = board.NextChange;
            var held = board.HeldBy(self);
            if (held == 0)
            {
                HostingLog.Drained(log, time.GetElapsedTime(started).TotalSeconds);
                return true;
            }

            if (!CanMove)
            {
                HostingLog.NotDrained(log, held, "no other expert node stays");
                return false;
            }

            var left = timeout - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                HostingLog.NotDrained(log, held, $"ExpertCluster:Node:DrainTimeout = {timeout} is over");
                return false;
            }

            try
            {
                await change.WaitAsync(left, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The look above says so.
            }
        }
    }

    private bool CanMove => board.Nodes.Values.Any(n => n.Node != self && !n.IsDraining && n.Roles.Contains(NodeOptions.ExpertRole));
}
