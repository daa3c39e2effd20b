using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class PlacementLinesSpec
{
    [Fact]
    public void The_newest_epoch_of_each_layer_counts_whoever_told_it_last()
    {
        var lines = new PlacementLines();
        lines.Current.Should().BeNull();
        lines.Read("dbug: Placement of m layer 3: epoch 5 written by a:1#01; ready: 0@a:1 1@b:2");
        lines.Read("dbug: Placement of m layer 1: epoch 5 written by a:1#01; ready: ");
        lines.Read("dbug: Placement of m layer 3: epoch 4 written by a:1#01; ready: 0@c:3");
        lines.Current.Should().Equal(new PlacedReplica(1, 0, "a:1"), new PlacedReplica(1, 1, "b:2"));
    }
}
