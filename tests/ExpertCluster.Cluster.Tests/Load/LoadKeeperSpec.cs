using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;
using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace ExpertCluster.Cluster.Tests.Load;

public sealed class LoadKeeperSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private static readonly LoadModel Model = new("m", "f", [0], 2);
    private static readonly UniqueAddress Self = new(new Address("akka.tcp", "expertcluster", "h", 1), 1);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    [Fact]
    public async Task A_balancer_begins_with_the_newest_of_store_and_published_load_and_saves_what_is_new()
    {
        await using var store = BalancerStore.Open(null, 10, _time, NullLogger.Instance);
        store.Save(Load(100, age: 20));
        var (replicator, balancer) = (CreateTestProbe(), CreateTestProbe());
        var keeper = new LoadKeeper([Model], new LoadOptions(), () => store, _time, NullLogger.Instance);
        keeper.Begin(replicator, balancer);
        keeper.Add(new Decision(0, _time.GetUtcNow(), "m", 1, "plan", "s", "before the store was open", "{}"));
        var asked = await replicator.ExpectMsgAsync<Get>();
        keeper.Receive(await balancer.ReceiveOneAsync(TimeSpan.FromSeconds(20))).Should().BeTrue();
        keeper.Book.Demand("m", 0)[0].Should().Be(100);
        store.Decisions().Should().ContainSingle();

        keeper.Receive(new GetSuccess(asked.Key, null, new LWWRegister<LoadSnapshot>(Self, Load(200, age: 10)))).Should().BeTrue();
        keeper.Book.Demand("m", 0)[0].Should().Be(200, "what was published is newer");
        keeper.Receive(new NotFound(asked.Key, null)).Should().BeTrue();
        keeper.Receive("something else").Should().BeFalse();

        _time.Advance(TimeSpan.FromSeconds(10));
        keeper.Save(replicator, Self);
        await replicator.ExpectNoMsgAsync(TimeSpan.Zero);
        keeper.Receive(new LoadReport(new NodeId("a", 1), "m", null, [new ExpertDemand(0, 1, 0, 7)], [])).Should().BeTrue();
        keeper.Save(replicator, Self);
        (await replicator.ExpectMsgAsync<Update>()).Key.Id.Should().Be("load/m");
        store.Load("m", "f")!.At.Should().Be(_time.GetUtcNow());
        keeper.Save(replicator, Self);
        await replicator.ExpectNoMsgAsync(TimeSpan.Zero);
    }

    private LoadSnapshot Load(double rows, int age) => new(
        "m", "f", _time.GetUtcNow().AddSeconds(-age), [DemandFractions.Pack(0, [rows, 0], [0, 0])]);
}
