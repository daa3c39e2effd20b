using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class BalancerStartsSpec
{
    [Fact]
    public void Only_a_second_begin_on_the_same_run_of_a_node_is_a_crash()
    {
        const string Line = "info: BalancerActor[4001] Balancer of m starts at epoch 4 with 32 known replicas";
        var starts = new BalancerStarts();
        starts.Read("a", 1, Line);
        starts.Read("b", 1, Line);
        starts.Read("b", 2, Line);
        starts.Read("b", 2, "Balancer of m ends here at epoch 4");
        starts.Restarts.Should().Be(0);
        starts.Read("b", 2, Line);
        starts.Restarts.Should().Be(1);
    }
}
