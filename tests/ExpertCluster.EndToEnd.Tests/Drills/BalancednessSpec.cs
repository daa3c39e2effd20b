using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class BalancednessSpec
{
    [Fact]
    public void It_is_one_where_all_nodes_have_the_same() => Balancedness.Of([3, 3], [(0, "a"), (1, "b")], ["a", "b"]).Should().Be(1);

    [Fact]
    public void Copies_share_the_rows_of_their_expert() =>
        Balancedness.Of([6, 2], [(0, "a"), (0, "b"), (1, "b")], ["a", "b"]).Should().Be(4.0 / 5);

    [Fact]
    public void A_node_without_rows_counts() => Balancedness.Of([4], [(0, "a")], ["a", "b"]).Should().Be(0.5);

    [Fact]
    public void Without_rows_there_is_none() => Balancedness.Of([0], [(0, "a")], ["a"]).Should().Be(double.NaN);

    [Fact]
    public void Between_two_looks_only_the_rows_between_them_count()
    {
        PlacedReplica[] placement = [new(0, 0, "a"), new(0, 1, "b")];
        var nodes = new Dictionary<string, int> { ["a"] = 1, ["b"] = 1 };
        ClusterSnapshot earlier = new(1, 1, nodes, ["a", "b"], [[10, 0]], 0), later = new(2, 1, nodes, ["a", "b"], [[14, 2]], 0, placement);
        Balancedness.Between(earlier, later).Should().Equal(0.75);
        Balancedness.Between(later, earlier).Should().BeNull("nobody told who holds what");
    }
}
