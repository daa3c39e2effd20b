using Akka.Actor;
using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Cluster.Load;

/// <summary>Tells the balancer at intervals what this node counted.</summary>
internal sealed class LoadReporter : ReceiveActor, IWithTimers
{
    private readonly LoadOptions _options;

    public LoadReporter(LoadMeter meter, IActorRef balancer, LoadOptions options)
    {
        _options = options;
        Receive<Tick>(_ =>
        {
            foreach (var report in meter.Collect())
            {
                balancer.Tell(report);
            }
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, _options.ReportInterval);

    /// <summary>Time to report.</summary>
    internal sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }
}
