using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class PlacementWritersSpec
{
    [Fact]
    public void An_epoch_of_a_layer_that_two_nodes_wrote_is_disputed_and_nothing_else()
    {
        var writers = new PlacementWriters();
        foreach (var line in new[]
        {
            "10:00:00.000 dbug: Placement of m layer 0: epoch 4 written by a:1#01", "Placement of m layer 0: epoch 4 written by a:1#01",
            "Placement of m layer 1: epoch 4 written by b:2#02", "Placement of m layer 0: epoch 5 written by b:2#02", "Something else",
        })
        {
            writers.Read(line);
        }

        writers.Epochs.Should().Be(3);
        writers.Disputed.Should().BeEmpty();
        writers.Read("Placement of m layer 0: epoch 5 written by a:1#01");
        writers.Disputed.Should().Equal("epoch 5 of m layer 0 was written by a:1#01 and b:2#02");
    }
}
