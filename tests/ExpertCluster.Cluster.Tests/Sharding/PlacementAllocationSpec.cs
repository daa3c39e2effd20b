using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Placement;
using ExpertCluster.Cluster.Sharding;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Time.Testing;

namespace ExpertCluster.Cluster.Tests.Sharding;

public sealed class PlacementAllocationSpec : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly ReplicaId Replica = new(2, 5, 1);
    private static readonly Address Self = Address.Parse("akka.tcp://expertcluster@10.0.0.1:4053");

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private readonly PlacementBoard _board = new();
    private readonly FakeTimeProvider _time = new();
    private readonly PlacementAllocationStrategy _strategy;
    private readonly IActorRef _local;
    private readonly IActorRef _remote;

    public PlacementAllocationSpec(ITestOutputHelper output)
        : base("akka.loglevel = ERROR\nakka.actor.provider = remote\nakka.remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }", output)
    {
        _strategy = new PlacementAllocationStrategy(_board, "m", Self, _time);
        _local = CreateTestProbe().Ref;
        _remote = ((ExtendedActorSystem)Sys).Provider.ResolveActorRef("akka.tcp://expertcluster@10.0.0.2:4053/system/sharding/m-L02");
    }

    [Fact]
    public async Task A_shard_goes_to_the_node_its_replica_is_placed_on()
    {
        Publish("akka.tcp://expertcluster@10.0.0.2:4053");
        (await Allocate(_local, _remote)).Should().Be(_remote);
    }

    [Fact]
    public async Task The_region_of_this_very_node_is_known_by_this_nodes_address()
    {
        Publish(Self.ToString());
        (await Allocate(_remote, _local)).Should().Be(_local);
    }

    [Fact]
    public async Task A_placement_that_arrives_later_is_waited_for()
    {
        var allocation = Allocate(_local, _remote);
        _time.Advance(TimeSpan.FromSeconds(2));
        _board.SetNodes([]);
        _board.Publish(new LayerPlacement("m", 2, 1, 8, []));
        allocation.IsCompleted.Should().BeFalse();
        Publish(Self.ToString(), epoch: 2);
        (await allocation.WaitAsync(Patience, Test)).Should().Be(_local);
    }

    [Fact]
    public async Task A_replica_that_nobody_places_is_refused_after_a_while()
    {
        var allocation = Allocate(_local);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        allocation.IsCompleted.Should().BeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.2));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => allocation.WaitAsync(Patience, Test));
        error.Message.Should().Contain("m L02/E05/r1");
    }

    [Fact]
    public async Task The_placement_of_another_model_is_not_ours()
    {
        _board.Publish(new LayerPlacement("other", 2, 1, 8, [new(Replica, new NodeId(Self.ToString(), 1), ReplicaState.Assigned)]));
        var allocation = Allocate(_local);
        _time.Advance(TimeSpan.FromSeconds(6));
        await Assert.ThrowsAsync<InvalidOperationException>(() => allocation.WaitAsync(Patience, Test));
    }

    [Fact]
    public async Task A_node_whose_region_is_not_registered_yet_is_no_answer_and_no_error()
    {
        Publish("akka.tcp://expertcluster@10.0.0.9:4053");
        (await Allocate(_local, _remote)).Should().BeNull("the region that needs it asks again");
    }

    [Fact]
    public async Task A_shard_whose_replica_retired_is_given_to_nobody()
    {
        _board.Publish(new LayerPlacement("m", 2, Replica.Number + 1, 8, []));
        var allocation = Allocate(_local, _remote);
        allocation.IsCompleted.Should().BeFalse("the coordinator takes null only from a task that was still running");
        (await allocation.WaitAsync(Patience, Test)).Should().BeNull();
    }

    [Fact]
    public async Task Only_shards_whose_replica_retired_are_handed_off()
    {
        var (retired, placed, unknown) = (new ReplicaId(2, 4, 1), Replica, new ReplicaId(2, 6, 7));
        _board.Publish(new LayerPlacement("m", 2, 5, 8, [new(placed, new NodeId(Self.ToString(), 1), ReplicaState.Ready)]));
        var held = ImmutableDictionary<IActorRef, IImmutableList<string>>.Empty.Add(
            _local, [retired.ToString(), placed.ToString(), unknown.ToString(), "other"]);
        (await _strategy.Rebalance(held, ImmutableHashSet<string>.Empty)).Should().Equal(retired.ToString());
        (await _strategy.Rebalance(held, [retired.ToString()])).Should().BeEmpty("that one is under way");
    }

    private void Publish(string address, long epoch = 1) =>
        _board.Publish(new LayerPlacement("m", 2, epoch, 8, [new(Replica, new NodeId(address, 1), ReplicaState.Assigned)]));

    private Task<IActorRef> Allocate(params IActorRef[] regions) => _strategy.AllocateShard(_local, Replica.ToString(), Allocations(regions));

    private static ImmutableDictionary<IActorRef, IImmutableList<string>> Allocations(params IActorRef[] regions) =>
        regions.ToImmutableDictionary(r => r, _ => (IImmutableList<string>)ImmutableList<string>.Empty);
}
