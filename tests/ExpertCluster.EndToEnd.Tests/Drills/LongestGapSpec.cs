using ExpertCluster.Cli.Drills.Traffic;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class LongestGapSpec
{
    [Theory]
    [InlineData(new double[0], 10)]
    [InlineData(new[] { 15.0 }, 5)]
    [InlineData(new[] { 11.0, 12.0, 19.5 }, 7.5)]
    [InlineData(new[] { 19.5, 12.0, 11.0 }, 7.5)]
    [InlineData(new[] { 10.0, 11.0 }, 9)]
    [InlineData(new[] { 18.0, 20.0 }, 8)]
    [InlineData(new[] { 3.0, 14.0, 99.0 }, 6)]
    public void It_counts_between_tokens_of_anybody_and_to_the_ends_of_the_time(double[] tokens, double seconds) =>
        LongestGap.Seconds(tokens, from: 10, to: 20).Should().Be(seconds);
}
