using Akka;
using Akka.Actor;
using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>A node that is downed ends by Akka's own shutdown; clients are told at once, and for a while before the process is gone.</summary>
internal sealed class CutOffNotice
{
    private readonly CancellationTokenSource _given = new();

    /// <summary>Signalled when the node was found cut off.</summary>
    public CancellationToken Token => _given.Token;

    /// <summary>Listens to the shutdown of an actor system.</summary>
    /// <param name="system">It.</param>
    /// <param name="linger">How long it stays, cut off, before it terminates.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">Where it is told.</param>
    public void Attach(ActorSystem system, TimeSpan linger, TimeProvider time, ILogger log)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "cut-off", async () =>
        {
            if (shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason)
            {
                HostingLog.CutOff(log, linger);
                await _given.CancelAsync().ConfigureAwait(false);
            }

            return Done.Instance;
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeActorSystemTerminate, "cut-off-linger", async () =>
        {
            if (_given.IsCancellationRequested)
            {
                await Task.Delay(linger, time).ConfigureAwait(false);
            }

            return Done.Instance;
        });
    }
}
