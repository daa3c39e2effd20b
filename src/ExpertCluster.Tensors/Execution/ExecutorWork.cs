namespace ExpertCluster.Tensors;

/// <summary>One queued piece of work: waiting, then either started or withdrawn, never both.</summary>
internal abstract class ExecutorWork
{
    private const int Waiting = 0;
    private const int Started = 1;
    private const int Withdrawn = 2;
    private int _state;

    /// <summary>Work that must run even while the executor shuts down, such as freeing tensors.</summary>
    public virtual bool RunsAtShutdown => false;

    /// <summary>Claims the right to run; false when it was withdrawn.</summary>
    public bool TryStart() => Interlocked.CompareExchange(ref _state, Started, Waiting) == Waiting;

    /// <summary>Claims the right not to run; false when it has started.</summary>
    protected bool TryWithdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Waiting) == Waiting;

    /// <summary>Runs on the executor's thread; must not throw.</summary>
    public abstract void Run();

    /// <summary>Tells the caller that the work will not run.</summary>
    public abstract void Refuse(Exception reason);
}
