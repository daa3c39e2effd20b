using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Tests.Gateway;

public sealed class GatewayOverlapSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    [Fact]
    public async Task While_one_half_waits_for_its_experts_the_other_computes()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { OverlapSequences = 3 });
        harness.Experts.Hold();
        var calls = Enumerable.Range(0, 5).Select(_ => harness.Generate("a", 1, 6)).ToArray();

        // The first computes alone; with the third there are enough for a second step beside it.
        var alone = await harness.Experts.NextAsync();
        alone.Rows.Should().Be(1);
        var others = await harness.Experts.NextAsync();
        others.Answer.SetResult();
        (await harness.Experts.NextAsync()).Should().Match<HeldExperts.Call>(call => call.Layer == others.Layer + 1 && call.Rows == others.Rows);
        alone.Answer.Task.IsCompleted.Should().BeFalse();
        harness.Experts.Release();
        var answers = await Task.WhenAll(calls.Select(harness.TokensAsync));
        answers.Should().OnlyContain(answer => answer.SequenceEqual(answers[0]) && answer.Count == 6);
    }

    [Fact]
    public async Task One_sequence_has_one_step_at_a_time()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { OverlapSequences = 2 });
        harness.Experts.Hold();
        var only = harness.Generate("a", 5, 2);
        await harness.Experts.NextAsync();
        await harness.TakenAsync();
        harness.Experts.TryNext(out _).Should().BeFalse();
        harness.Experts.Release();
        (await harness.TokensAsync(only)).Should().HaveCount(2);
    }

    [Fact]
    public async Task A_step_that_fails_takes_only_its_own_half_with_it()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { OverlapSequences = 2 });
        harness.Experts.Hold();
        var lost = harness.Generate("a", 3, 4);
        var first = await harness.Experts.NextAsync();
        var kept = harness.Generate("b", 4, 4);
        var second = await harness.Experts.NextAsync();
        (first.Rows, second.Rows).Should().Be((3, 4));
        first.Answer.SetException(new RequestFailedException(RequestError.ExpertsUnavailable, "no replica"));
        (await Assert.ThrowsAsync<RequestFailedException>(() => harness.TokensAsync(lost))).Error.Should().Be(RequestError.ExpertsUnavailable);
        harness.Experts.Release();
        (await harness.TokensAsync(kept)).Should().HaveCount(4);
        await Eventually.HoldsAsync(() => harness.Statistics is { Active: 0, KvBytes: 0 }, "nothing is left");
    }

    [Fact]
    public async Task A_sequence_given_up_in_one_half_does_not_hold_up_the_other()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { OverlapSequences = 2 });
        harness.Experts.Hold();
        var given = harness.Generate("a", 3, 4);
        await harness.Experts.NextAsync();
        var kept = harness.Generate("b", 4, 1);
        var second = await harness.Experts.NextAsync();
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        harness.GiveUp(given, gone.Token);
        await Assert.ThrowsAsync<OperationCanceledException>(() => harness.TokensAsync(given));
        await Eventually.HoldsAsync(() => harness.Statistics.Active == 1, "its step is cancelled and its place free");
        for (var i = 0; i < harness.Shape.MoeLayers.Length; i++)
        {
            second.Answer.SetResult();
            second = i + 1 < harness.Shape.MoeLayers.Length ? await harness.Experts.NextAsync() : second;
        }

        (await harness.TokensAsync(kept)).Should().HaveCount(1);
    }
}
