using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Balancing;

/// <summary>
/// Carries out the steps of a plan: add, then retire. A step whose copy fails, is refused, disagrees with the probe or takes too long is undone,
/// and so is what the plan still had in store for that layer; other layers go on.
/// </summary>
internal sealed class MoveRunner(MoveLimits limits, Exclusions exclusions)
{
    private DateTimeOffset _nextStart;

    /// <summary>Copies that were made, since the cluster began.</summary>
    public long Made { get; set; }

    /// <summary>Weights they have read.</summary>
    public long BytesMade { get; set; }

    /// <summary>Plans begun.</summary>
    public long Plans { get; set; }

    /// <summary>Steps that were undone.</summary>
    public long RolledBack { get; set; }

    /// <summary>What is being carried out; null when nothing is.</summary>
    public Transaction? Active { get; private set; }

    public void Begin(Transaction transaction)
    {
        if (Active is not null)
        {
            throw new InvalidOperationException($"{Active.Name} is under way.");
        }

        Active = transaction;
        Plans++;
    }

    /// <summary>Gives up what was not begun; copies that load already go again, those that are ready stay.</summary>
    public void Abort(ModelPlacement model, string reason, DateTimeOffset now)
    {
        foreach (var run in Active?.Steps.Where(s => !s.IsOver) ?? [])
        {
            if (run.Phase == StepPhase.Waiting)
            {
                run.Enter(StepPhase.RolledBack, now, reason);
            }
            else if (run.Phase == StepPhase.Loading)
            {
                RollBack(model, run, reason, now);
            }
        }
    }

    /// <summary>Goes on as far as it can. Returns the transaction when it has come to its end.</summary>
    /// <param name="model">The placement of its model.</param>
    /// <param name="room">Whether a node may take one more expert of this model now.</param>
    /// <param name="copies">Copies that every expert keeps.</param>
    /// <param name="now">The time.</param>
    public Transaction? Advance(ModelPlacement model, Func<NodeId, bool> room, int copies, DateTimeOffset now)
    {
        if (Active is not { } transaction)
        {
            return null;
        }

        foreach (var run in transaction.Steps)
        {
            switch (run.Phase)
            {
                case StepPhase.Loading:
                    AfterLoading(model, run, now);
                    break;
                case StepPhase.Retiring:
                    AfterRetiring(model, run, now);
                    break;
            }
        }

        var loading = transaction.Steps.Count(s => s.Phase == StepPhase.Loading);
        foreach (var run in transaction.Steps.Where(s => s.Phase == StepPhase.Waiting))
        {
            if (transaction.Steps.FirstOrDefault(s => s.Phase == StepPhase.RolledBack && s.Step.Layer == run.Step.Layer) is { } failed)
            {
                run.Enter(StepPhase.RolledBack, now, $"an earlier step of its layer was given up: {failed.Problem}");
            }
            else if (run.Step.Kind == MoveKind.Retire)
            {
                // Only after the steps before it: they may add the copies it relies on.
                if (transaction.Steps.TakeWhile(s => s != run).Where(s => s.Step.Layer == run.Step.Layer).All(s => s.Phase is not (StepPhase.Waiting or StepPhase.Loading)))
                {
                    Retire(model, run, copies, now);
                }
            }
            else if (loading < limits.Concurrent && now >= _nextStart && TryStart(model, run, room, now))
            {
                loading++;
            }
        }

        if (!transaction.IsOver)
        {
            return null;
        }

        Active = null;
        RolledBack += transaction.RolledBack;
        return transaction;
    }

    private void AfterLoading(ModelPlacement model, StepRun run, DateTimeOffset now)
    {
        if (run.Added is not { } added || model.Find(added) is not { } entry)
        {
            var why = exclusions.LastReason(model.Name, run.Step.Layer, run.Step.Expert);
            run.Enter(StepPhase.RolledBack, now, $"the copy on {run.Step.To?.HostPort} did not come to be{(why is null ? "" : $": {why}")}");
        }
        else if (entry.State == ReplicaState.Ready)
        {
            Made++;
            BytesMade += run.Step.Bytes;
            if (run.Step.Kind == MoveKind.Move)
            {
                Retire(model, run, copies: 1, now);
            }
            else
            {
                run.Enter(StepPhase.Done, now);
            }
        }
        else if (now - run.Since >= limits.StepTimeout)
        {
            RollBack(model, run, $"the copy on {run.Step.To?.HostPort} was not ready within {limits.StepTimeout}", now);
        }
    }

    private static void AfterRetiring(ModelPlacement model, StepRun run, DateTimeOffset now)
    {
        if (run.Retired is not { } retired || model.Find(retired) is not { } entry)
        {
            run.Enter(StepPhase.Done, now);
        }
        else if (entry.State != ReplicaState.Draining)
        {
            run.Enter(StepPhase.RolledBack, now, $"{retired} stays, for the other copies were lost");
        }
    }

    private static void RollBack(ModelPlacement model, StepRun run, string reason, DateTimeOffset now)
    {
        if (run.Added is { } added && model.Find(added) is { } entry)
        {
            Retirements.Begin(model, entry, now);
        }

        run.Enter(StepPhase.RolledBack, now, reason);
    }

    private bool TryStart(ModelPlacement model, StepRun run, Func<NodeId, bool> room, DateTimeOffset now)
    {
        var (layer, expert, target) = (run.Step.Layer, run.Step.Expert, run.Step.To!);
        if (run.Step.From is { } from && !model.Of(layer, expert).Any(e => e.Node == from && e.State == ReplicaState.Ready))
        {
            run.Enter(StepPhase.RolledBack, now, $"{from.HostPort} no longer holds it");
            return false;
        }

        var there = model.Of(layer, expert).FirstOrDefault(e => e.Node == target);
        if (there is not null && there.State != ReplicaState.Draining)
        {
            run.Enter(StepPhase.RolledBack, now, $"{target.HostPort} holds it already");
            return false;
        }

        if (there is not null || !room(target))
        {
            // A copy that goes makes room, sooner or later.
            if (run.Since == default)
            {
                run.Enter(StepPhase.Waiting, now);
            }
            else if (now - run.Since >= limits.StepTimeout)
            {
                run.Enter(StepPhase.RolledBack, now, $"{target.HostPort} had no room for it within {limits.StepTimeout}");
            }

            return false;
        }

        run.Added = model.Assign(layer, expert, target).Replica;
        run.Enter(StepPhase.Loading, now);
        if (limits.BytesPerSecond > 0)
        {
            _nextStart = (now > _nextStart ? now : _nextStart) + TimeSpan.FromSeconds(run.Step.Bytes / (double)limits.BytesPerSecond);
        }

        return true;
    }

    private static void Retire(ModelPlacement model, StepRun run, int copies, DateTimeOffset now)
    {
        var all = model.Of(run.Step.Layer, run.Step.Expert).Where(e => e.State == ReplicaState.Ready).ToList();
        if (all.FirstOrDefault(e => e.Node == run.Step.From) is not { } old)
        {
            // Lost, or gone already: what the step wanted.
            run.Enter(StepPhase.Done, now);
        }
        else if (all.Count - 1 < copies)
        {
            run.Enter(StepPhase.RolledBack, now, $"{all.Count - 1} copies would be left, {copies} are wanted");
        }
        else
        {
            Retirements.Begin(model, old, now);
            run.Retired = old.Replica;
            run.Enter(StepPhase.Retiring, now);
        }
    }
}
