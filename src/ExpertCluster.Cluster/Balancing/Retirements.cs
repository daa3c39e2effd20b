using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// The second half of "add, then retire": a replica that is to go is published as draining first, and told to stop when routers have had
/// the time to turn to others.
/// </summary>
/// <param name="delay">Between publication and the order to stop.</param>
/// <param name="retry">After which an order that was not answered is given again.</param>
internal sealed class Retirements(TimeSpan delay, TimeSpan retry)
{
    /// <summary>From now on routers leave it alone.</summary>
    public static void Begin(ModelPlacement model, ModelPlacement.Entry entry, DateTimeOffset now)
    {
        entry.RetiringSince ??= now;
        model.SetState(entry, ReplicaState.Draining);
    }

    /// <summary>Keeps a replica that was to go but was not told yet.</summary>
    public static bool TryKeep(ModelPlacement model, ModelPlacement.Entry entry)
    {
        if (entry.State != ReplicaState.Draining || entry.ToldToGo is not null)
        {
            return false;
        }

        entry.RetiringSince = null;
        model.SetState(entry, ReplicaState.Ready);
        return true;
    }

    /// <summary>Orders that are due, noted as given.</summary>
    public IReadOnlyList<RetireReplica> Due(ModelPlacement model, DateTimeOffset now)
    {
        var due = new List<RetireReplica>();
        foreach (var entry in model.Replicas.Where(e => e.State == ReplicaState.Draining))
        {
            // Adopted from a former balancer: its clock is not ours, so the delay starts again.
            entry.RetiringSince ??= now;
            if (entry.ToldToGo is { } told ? now - told >= retry : now - entry.RetiringSince >= delay)
            {
                entry.ToldToGo = now;
                due.Add(new RetireReplica(model.Name, entry.Replica));
            }
        }

        return due;
    }
}
