using Akka.Configuration;
using Akka.Dispatch;

namespace ExpertCluster.Cluster.Hosting;

/// <summary>
/// Runs an actor on the thread that sends to it, one message at a time as ever. For actors on the way of every row – experts and routers –
/// that only note something and pass it on: waking another thread takes longer than what they do. Never for actors that compute or wait.
/// </summary>
/// <param name="config">The dispatcher's section.</param>
/// <param name="prerequisites">What Akka gives it.</param>
public sealed class InlineDispatcher(Config config, IDispatcherPrerequisites prerequisites) : MessageDispatcherConfigurator(config, prerequisites)
{
    /// <summary>Where the configuration names it.</summary>
    public const string Path = "expertcluster.inline-dispatcher";

    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher() => new SendersThread(this);

    private sealed class SendersThread(InlineDispatcher configurator) : MessageDispatcher(configurator)
    {
        protected override void ExecuteTask(IRunnable run) => run.Run();

        protected override void Shutdown()
        {
            // There is no thread of its own.
        }
    }
}
