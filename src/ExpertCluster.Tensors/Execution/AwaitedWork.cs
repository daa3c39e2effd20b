namespace ExpertCluster.Tensors;

/// <summary>Work whose result somebody awaits.</summary>
internal sealed class AwaitedWork<T> : ExecutorWork
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _cancellation;
    private Func<T>? _work;
    private Action? _withdrawn;
    private CancellationTokenRegistration _registration;

    public AwaitedWork(Func<T> work, CancellationToken cancellation)
    {
        _work = work;
        _cancellation = cancellation;
    }

    public Task<T> Task => _completion.Task;

    /// <summary>Lets cancellation take the work out of the queue at once; call after it was queued.</summary>
    public void ObserveCancellation(Action withdrawn)
    {
        if (_cancellation.CanBeCanceled)
        {
            _withdrawn = withdrawn;
            _registration = _cancellation.UnsafeRegister(static self => ((AwaitedWork<T>)self!).Cancel(), this);
        }
    }

    public override void Run()
    {
        _registration.Unregister();
        try
        {
            _completion.TrySetResult(_work!());
        }
        catch (OperationCanceledException e)
        {
            _completion.TrySetCanceled(e.CancellationToken);
        }
#pragma warning disable CA1031 // Whatever the work throws belongs to whoever awaits it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _completion.TrySetException(e);
        }

        _work = null;
    }

    public override void Refuse(Exception reason)
    {
        _registration.Unregister();
        _work = null;
        _completion.TrySetException(reason);
    }

    private void Cancel()
    {
        if (TryWithdraw())
        {
            // The husk may wait in the queue for long; what it would have used should not.
            _work = null;
            _withdrawn?.Invoke();
            _completion.TrySetCanceled(_cancellation);
        }
    }
}
