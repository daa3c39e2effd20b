using ExpertCluster.Cluster.Planning;

namespace ExpertCluster.Tests.Planning;

public sealed class EplbSpec
{
    [Fact]
    public void Reaches_the_balancedness_of_the_published_code()
    {
        foreach (var golden in EplbGolden.All)
        {
            var reached = golden.Load.Select(load => Cases.Balancedness(
                load, Eplb.Rebalance(load, golden.Replicas, golden.Groups, golden.Nodes, golden.Gpus), golden.Gpus)).ToArray();
            reached.Average().Should().BeApproximately(golden.Mean, 1e-6);
            reached.Min().Should().BeApproximately(golden.Min, 1e-6);
        }
    }

    [Fact]
    public void Uses_every_slot_and_every_expert()
    {
        foreach (var golden in EplbGolden.All)
        {
            foreach (var load in golden.Load)
            {
                Eplb.Rebalance(load, golden.Replicas, golden.Groups, golden.Nodes, golden.Gpus)
                    .Should().HaveCount(golden.Replicas).And.Subject.Distinct().Should().HaveCount(load.Length);
            }
        }
    }

    [Theory]
    [InlineData(7, 1, 1, 2, "replicas")]
    [InlineData(4, 1, 1, 2, "replicas")]
    [InlineData(6, 4, 1, 2, "groups")]
    [InlineData(6, 1, 3, 2, "nodes")]
    public void Refuses_what_does_not_divide(int replicas, int groups, int nodes, int gpus, string key) =>
        FluentActions.Invoking(() => Eplb.Rebalance([1, 2, 3, 4, 5, 6], replicas, groups, nodes, gpus))
            .Should().Throw<ArgumentOutOfRangeException>().Which.ParamName.Should().Be(key);
}
