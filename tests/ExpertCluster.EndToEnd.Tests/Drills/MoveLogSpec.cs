using ExpertCluster.Cli.Drills.Traffic;
using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class MoveLogSpec
{
    [Fact]
    public void Steps_that_were_done_and_bytes_that_were_planned_count_and_nothing_else()
    {
        var log = new MoveLog(new DrillClock());
        log.Read("m plan 3 begins, since the load of layer 1 changed: 5 steps, 1200 bytes, predicted gain 12.0 %");
        log.Read("m plan 3 ended: 4 of 5 steps done, 1 rolled back");
        log.Read("m: 5 replicas assigned to 3 nodes, 0 without a node");
        log.Moves(0, double.MaxValue).Should().Be(4);
        log.Bytes(0, double.MaxValue).Should().Be(1200);
        log.Moves(1000, double.MaxValue).Should().Be(0);
    }
}
