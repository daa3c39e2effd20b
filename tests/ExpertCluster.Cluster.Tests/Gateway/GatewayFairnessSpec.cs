using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;

namespace ExpertCluster.Cluster.Tests.Gateway;

public sealed class GatewayFairnessSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    [Fact]
    public async Task One_client_s_request_does_not_wait_for_all_that_another_has_queued()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { MaxActive = 2, MaxQueued = 1000 });
        harness.Experts.Hold();
        var many = Enumerable.Range(0, 200).Select(_ => harness.Generate("many", 3, 4)).ToArray();
        var one = harness.Generate("one", 3, 4);
        await harness.TakenAsync();
        harness.Experts.Release();
        (await harness.TokensAsync(one)).Should().HaveCount(4);
        many.Count(call => call.IsOver).Should().BeLessThanOrEqualTo(6);
    }

    [Fact]
    public async Task A_long_prompt_goes_in_chunks_between_which_others_get_their_tokens()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { PrefillTokens = 8, PrefillChunk = 4 });
        harness.Experts.Hold();
        var talker = harness.Generate("a", 1, 30);
        var first = await harness.Experts.NextAsync();
        var reader = harness.Generate("b", 40, 2);
        await harness.TakenAsync();
        await StepAsync(harness, 1, first);
        for (var i = 0; i < 5; i++)
        {
            await StepAsync(harness, 9);
        }

        await StepAsync(harness, 2);
        harness.Experts.Release();
        (await harness.TokensAsync(talker)).Should().HaveCount(30);
        (await harness.TokensAsync(reader)).Should().HaveCount(2);
    }

    [Fact]
    public async Task A_client_beyond_its_share_of_the_queue_is_told_when_to_come_again_and_others_are_not()
    {
        await using var harness = new GatewayHarness(Sys, new GatewayOptions { MaxActive = 1, MaxQueued = 4, ClientQueueShare = 0.5 });
        harness.Experts.Hold();
        var calls = new[] { "a", "a", "a", "a", "b" }.Select(client => harness.Generate(client, 2, 2)).ToArray();
        var refused = await Assert.ThrowsAsync<RequestFailedException>(() => harness.TokensAsync(calls[3]));
        refused.Error.Should().Be(RequestError.QueueFull);
        refused.RetryAfter.Should().BePositive();
        refused.Message.Should().Contain("ClientQueueShare");
        await harness.TakenAsync();
        calls[4].IsOver.Should().BeFalse();
        harness.Statistics.Waiting.Should().Be(3);
        harness.Experts.Release();
        foreach (var call in calls.Where((_, i) => i != 3))
        {
            (await harness.TokensAsync(call)).Should().HaveCount(2);
        }
    }

    /// <summary>Answers for all layers of a step and asserts its rows.</summary>
    private static async Task StepAsync(GatewayHarness harness, int rows, HeldExperts.Call? first = null)
    {
        foreach (var layer in harness.Shape.MoeLayers)
        {
            var call = first ?? await harness.Experts.NextAsync();
            first = null;
            (call.Layer, call.Rows).Should().Be((layer, rows));
            call.Answer.SetResult();
        }
    }
}
