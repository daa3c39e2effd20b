using CsCheck;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Contracts;

public sealed class LayerPlacementSpec
{
    private static readonly NodeId Node = new("akka.tcp://expertcluster@a:1", 1);

    [Fact]
    public void An_expert_is_ready_once_however_many_of_its_replicas_are() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 3], Gen.Enum<ReplicaState>()).Array[0, 20].Sample(replicas =>
        {
            var placed = replicas.DistinctBy(r => (r.Item1, r.Item2))
                .Select(r => new ReplicaPlacement(new ReplicaId(0, r.Item1, r.Item2), Node, r.Item3)).OrderBy(r => r.Replica).ToArray();
            var expected = placed.Where(r => r.State == ReplicaState.Ready).Select(r => r.Replica.Expert).Distinct().Count();
            Assert.Equal(expected, new LayerPlacement("m", 0, 1, 8, [.. placed]).ReadyExperts());
        });

    [Theory]
    [InlineData(ReplicaState.Assigned)]
    [InlineData(ReplicaState.Loading)]
    [InlineData(ReplicaState.Draining)]
    public void Only_ready_replicas_count(ReplicaState state) =>
        new LayerPlacement("m", 0, 1, 1, [new(new ReplicaId(0, 0, 0), Node, state)]).ReadyExperts().Should().Be(0);
}
