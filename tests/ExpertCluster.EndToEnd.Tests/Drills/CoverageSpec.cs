using ExpertCluster.Cli.Drills.View;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class CoverageSpec
{
    [Fact]
    public void It_is_full_when_the_lost_node_is_gone_and_the_others_hold_everything_to_the_end() => Coverage.Seconds(
        [See(9, 4, "a", "b"), See(11, 4, "a", "b"), See(12, 2, "a"), See(13, 4, "a"), See(14, 3, "a"), See(16, 4, "a"), See(17, 5, "a")],
        at: 10, lost: "b", replicas: 4).Should().Be(6);

    [Fact]
    public void A_node_that_is_still_counted_is_no_coverage() =>
        Coverage.Seconds([See(11, 4, "a", "b"), See(12, 4, "a", "b")], at: 10, lost: "b", replicas: 4).Should().Be(double.NaN);

    [Fact]
    public void Without_a_lost_node_the_replicas_decide() => Coverage.Seconds([See(11, 4, "a")], at: 10, lost: null, replicas: 4).Should().Be(1);

    [Fact]
    public void Retries_of_a_time_start_again_with_another_gateway() => Coverage.Retries(
        [Retry(1, 5), Retry(2, 7), Retry(3, 1), Retry(4, 4), Retry(5, 90)], from: 2, to: 4).Should().Be(5);

    private static ClusterSnapshot See(double at, int replicas, params string[] members) =>
        new(at, 1, new Dictionary<string, int> { [members[0]] = replicas }, members, [], 0);

    private static ClusterSnapshot Retry(double at, long retries) => new(at, 1, new Dictionary<string, int>(), [], [], retries);
}
