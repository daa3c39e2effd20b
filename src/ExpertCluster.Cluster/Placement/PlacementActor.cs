using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging;
using Member = Akka.Cluster.Member;

namespace ExpertCluster.Cluster.Placement;

/// <summary>Keeps the node's <see cref="PlacementBoard"/>: follows membership and the published keys, and publishes this node's description.</summary>
internal sealed class PlacementActor : ReceiveActor
{
    private readonly PlacementBoard _board;
    private readonly ILogger _log;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;
    private readonly Dictionary<NodeId, Member> _members = [];
    private readonly Dictionary<string, NodeDescription> _described = [];
    private readonly HashSet<string> _watched = [];

    public PlacementActor(Settings settings)
    {
        _board = settings.Board;
        _log = settings.Log;

        Receive<ClusterEvent.CurrentClusterState>(state =>
        {
            foreach (var member in state.Members.Where(m => m.Status == MemberStatus.Up))
            {
                Add(member);
            }

            PublishNodes();
        });
        Receive<ClusterEvent.MemberUp>(up =>
        {
            Add(up.Member);
            PublishNodes();
        });

        // A node that leaves takes nothing new, and what it holds is placed elsewhere at once.
        Receive<ClusterEvent.MemberLeft>(left => Remove(left.Member));
        Receive<ClusterEvent.MemberRemoved>(removed => Remove(removed.Member));
        Receive<ClusterEvent.IMemberEvent>(_ => { });
        Receive<Changed>(OnChanged);
        Receive<IUpdateResponse>(_ => { });
        Receive<DrainNode>(drain => settings.Drain(drain.IsDraining));
        Receive<Describe>(describe => PublishDescription(describe.Node));

        foreach (var (model, layers) in settings.Models)
        {
            foreach (var layer in layers)
            {
                _replicator.Tell(Dsl.Subscribe(PlacementKeys.Layer(model, layer), Self));
            }
        }

        _replicator.Tell(Dsl.Subscribe(PlacementKeys.Balancer, Self));
        PublishDescription(settings.Self);
    }

    public static NodeId IdOf(Member member) => IdOf(member.UniqueAddress);

    public static NodeId IdOf(UniqueAddress address) => new(address.Address.ToString(), address.Uid);

    protected override void PreStart() => _cluster.Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(ClusterEvent.IMemberEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private void Add(Member member)
    {
        var id = IdOf(member);
        _members[id] = member;
        if (_watched.Add(id.Address))
        {
            _replicator.Tell(Dsl.Subscribe(PlacementKeys.Node(id.Address), Self));
        }
    }

    private void Remove(Member member)
    {
        if (_members.Remove(IdOf(member)))
        {
            PublishNodes();
        }
    }

    private void OnChanged(Changed change)
    {
        switch (change.Data)
        {
            case LWWRegister<LayerPlacement> layer:
                Log(layer.Value, IdOf(layer.UpdatedBy));
                _board.Publish(layer.Value);
                break;
            case LWWRegister<BalancerStatus> status:
                _board.SetBalancer(status.Value);
                break;
            case LWWRegister<NodeDescription> node:
                _described[node.Value.Node.Address] = node.Value;
                PublishNodes();
                break;
        }
    }

    private void Log(LayerPlacement placement, NodeId writer)
    {
        if (_log.IsEnabled(LogLevel.Debug))
        {
            PlacementLog.Learned(_log, placement.Model, placement.Layer, placement.Epoch, writer, string.Join(
                " ", placement.Replicas.Where(r => r.State == ReplicaState.Ready).Select(r => $"{r.Replica.Expert}@{r.Node.HostPort}")));
        }
    }

    private void PublishDescription(NodeDescription self)
    {
        // WriteAll sends it to every member at once; whoever misses it learns it by gossip half a second later.
        _replicator.Tell(Dsl.Update(
            PlacementKeys.Node(self.Node.Address), new LWWRegister<NodeDescription>(_cluster.SelfUniqueAddress, self),
            new WriteAll(TimeSpan.FromSeconds(2)), register => register.WithValue(_cluster.SelfUniqueAddress, self)));
    }

    private void PublishNodes() => _board.SetNodes(_described.Values.Where(d => _members.ContainsKey(d.Node)));

    /// <summary>What the actor starts with.</summary>
    internal sealed record Settings(
        PlacementBoard Board, NodeDescription Self, IReadOnlyList<(string Model, IReadOnlyList<int> Layers)> Models, Action<bool> Drain, ILogger Log);

    /// <summary>This node has something new to say of itself.</summary>
    internal sealed record Describe(NodeDescription Node) : INoSerializationVerificationNeeded;
}
