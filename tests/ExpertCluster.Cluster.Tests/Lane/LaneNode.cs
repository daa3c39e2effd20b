using Akka.Actor;
using Akka.Configuration;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Hosting;
using ExpertCluster.Cluster.Lane;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Tests.Lane;

/// <summary>An actor system with the configuration of a node, on a free loopback port, and nothing but a lane.</summary>
internal sealed class LaneNode : IAsyncDisposable
{
    public LaneNode(IDispatchHandler handler, LaneOptions? options = null)
    {
        System = StartSystem();
        Self = PlacementActor.IdOf(Akka.Cluster.Cluster.Get(System).SelfUniqueAddress);
        Lane = ChunkedLane.Start(System, Self, options ?? new LaneOptions(), handler, TimeProvider.System, Log);
    }

    public ActorSystem System { get; }

    public NodeId Self { get; }

    public IActorRef Actor => Lane.Actor;

    public ChunkedLane Lane { get; }

    public RecordingLogger Log { get; } = new();

    public static ActorSystem StartSystem(string overrides = "") => ActorSystem.Create(
        AkkaConfiguration.SystemName,
        ConfigurationFactory.ParseString(overrides + "\nakka.loglevel = OFF\nakka.stdout-loglevel = OFF")
            .WithFallback(AkkaConfiguration.Build(new NodeOptions())));

    /// <summary>The lane's actor of another node, as seen from here.</summary>
    public IActorRef Remote(LaneNode other) =>
        ((ExtendedActorSystem)System).Provider.ResolveActorRef($"{other.Self.Address}/user/{ChunkedLane.ActorName}");

    public async ValueTask DisposeAsync() => await System.Terminate();
}
