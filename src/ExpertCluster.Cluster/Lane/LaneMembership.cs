using Akka.Actor;
using Akka.Cluster;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Lane;

/// <summary>Tells the lane what the cluster knows of other nodes, and ends it with the actor system.</summary>
internal sealed class LaneMembership : ReceiveActor
{
    private readonly TensorLane _lane;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

    public LaneMembership(TensorLane lane)
    {
        _lane = lane;
        Receive<ClusterEvent.UnreachableMember>(e => _lane.SetUnreachable(PlacementActor.IdOf(e.Member), "it does not answer heartbeats"));
        Receive<ClusterEvent.ReachableMember>(e => _lane.SetReachable(PlacementActor.IdOf(e.Member)));
        Receive<ClusterEvent.MemberRemoved>(e => _lane.Forget(PlacementActor.IdOf(e.Member), "it left the cluster"));
        Receive<ClusterEvent.IClusterDomainEvent>(_ => { });
    }

    protected override void PreStart() => _cluster.Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent),
        typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        _lane.Dispose();
    }
}
