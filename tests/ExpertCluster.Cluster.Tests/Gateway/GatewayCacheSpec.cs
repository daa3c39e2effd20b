using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;

namespace ExpertCluster.Cluster.Tests.Gateway;

public sealed class GatewayCacheSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    [Fact]
    public async Task When_the_cache_runs_short_sequences_pause_and_all_answers_are_the_same()
    {
        // Each comes to 100 positions, two pages: five are not enough for four.
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { DefaultDeadline = TimeSpan.FromMinutes(1) }, cachePages: 5);
        var alone = await harness.TokensAsync(harness.Generate("a", 20, 80));
        alone.Should().HaveCount(80);
        harness.Experts.Hold();
        var calls = Enumerable.Range(0, 4).Select(_ => harness.Generate("a", 20, 80)).ToArray();
        await harness.TakenAsync();
        harness.Statistics.Active.Should().Be(4, "four prompts of a page, and the first can have its second");
        harness.Experts.Release();
        var answers = await Task.WhenAll(calls.Select(harness.TokensAsync));
        answers.Should().OnlyContain(answer => answer.SequenceEqual(alone));
        await Eventually.HoldsAsync(() => harness.Statistics is { Active: 0, Waiting: 0, KvBytes: 0 }, "all pages are given back");
    }
}
