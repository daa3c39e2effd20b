namespace ExpertCluster.Tensors;

/// <summary>Work nobody waits for.</summary>
internal sealed class PostedWork(Action work, Action<Exception> failed) : ExecutorWork
{
    public override bool RunsAtShutdown => true;

    public override void Run()
    {
        try
        {
            work();
        }
#pragma warning disable CA1031 // The thread must survive; the failure goes to the executor's event.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failed(e);
        }
    }

    public override void Refuse(Exception reason) => failed(reason);
}
