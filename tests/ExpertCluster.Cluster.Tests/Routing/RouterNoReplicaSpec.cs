using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using ExpertCluster.Models;
using ExpertCluster.Moe;
using Microsoft.Extensions.Time.Testing;
using static ExpertCluster.Cluster.Tests.Routing.RouterHarness;

namespace ExpertCluster.Cluster.Tests.Routing;

public sealed class RouterNoReplicaSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Waiting_is_the_default_and_ends_when_there_is_a_replica()
    {
        var harness = new RouterHarness(Sys, 2);
        harness.Publish(Ready(0, 1));
        var work = harness.Send(2, 0, 1);
        (await harness.Lane.NextAsync()).Compute();
        await harness.TakenAsync();
        work.IsOver.Should().BeFalse();
        harness.Publish(Ready(0, 1), Ready(1, 1));
        (await harness.Lane.NextAsync()).Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
        work.Lost.IsEmpty.Should().BeTrue();
    }

    [Fact]
    public async Task Degraded_sums_are_of_the_survivors_with_weights_that_sum_to_what_they_did()
    {
        var harness = Harness(RouterOptions.Degrade, 4);
        harness.Publish(Ready(0, 1), Ready(2, 1), Ready(3, 2));
        harness.Lane.Sent = call => call.Compute();
        var experts = new ClusterExperts(
            new Dictionary<int, (Akka.Actor.IActorRef, RouterStatistics)> { [Layer] = (harness.Router, harness.Statistics) }, TimeProvider.System);
        float[] weights = [0.5f, 0.3f, 0.1f, 0.6f, 0.25f, 0.15f, 0.7f, 0.2f, 0.1f];
        var rows = new RoutedRows(
            3, Hidden, Enumerable.Range(1, 3 * Hidden).Select(i => (float)i).ToArray(), new RoutingDecision(3, 3, [1, 0, 2, 0, 2, 3, 2, 3, 1], weights))
        {
            Degraded = new bool[3],
        };
        var answer = new float[3 * Hidden];
        await experts.For("r", DateTimeOffset.UtcNow.AddMinutes(1)).ApplyAsync(Layer, rows, answer, Test);

        rows.Degraded.ToArray().Should().Equal(true, false, true);
        harness.Statistics.Degraded.Should().Be(2);
        float[] grown = [0, Grown(0.3f, 0, 1, 2), Grown(0.1f, 0, 1, 2), 0.6f, 0.25f, 0.15f, Grown(0.7f, 8, 6, 7), Grown(0.2f, 8, 6, 7), 0];
        for (var i = 0; i < answer.Length; i++)
        {
            var (token, expected) = (i / Hidden, 0f);
            for (var slot = token * 3; slot < (token + 1) * 3; slot++)
            {
                // Small integers times weights, in the order of the sum: equal bit for bit but for fused products.
                expected = MathF.FusedMultiplyAdd(LaneCall.Expert(rows.Routing.Experts[slot], rows.Rows.Span[i]), grown[slot], expected);
            }

            answer[i].Should().BeApproximately(expected, MathF.Abs(expected) * 2e-7f);
        }

        float Grown(float weight, int lost, params int[] left) =>
            (float)(weight * (((double)weights[lost] + left.Sum(s => (double)weights[s])) / left.Sum(s => (double)weights[s])));
    }

    [Theory]
    [InlineData(RouterOptions.Degrade)]
    [InlineData(RouterOptions.Fail)]
    public async Task A_token_without_any_expert_fails_with_its_row_the_experts_and_the_balancer_s_reason(string policy)
    {
        var harness = Harness(policy, 4);
        harness.Publish("no node has room", Ready(0, 1), Ready(2, 1));
        var work = harness.Send(2, 0, 2, 3, 1, 0, 2);
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => work.Completion.WaitAsync(Patience, Test));
        error.Error.Should().Be(RequestError.ExpertsUnavailable);
        error.Message.Should().ContainAll("Experts 1, 3 of m layer 3", "no node has room", $"Router:NoReplica = {policy}");
        error.Rows.Should().Equal(1);
        harness.Statistics.Degraded.Should().Be(0);
    }

    [Fact]
    public async Task Failing_does_not_take_another_expert_for_an_answer()
    {
        var harness = Harness(RouterOptions.Fail, 2);
        harness.Publish(Ready(0, 1));
        var (fails, other) = (harness.Send(2, 0, 0, 0, 1), harness.Send(1, 0));
        (await Assert.ThrowsAsync<RequestFailedException>(() => fails.Completion.WaitAsync(Patience, Test))).Rows.Should().Equal(1);
        (await harness.Lane.NextAsync()).Compute();
        await other.Completion.WaitAsync(Patience, Test);
    }

    [Theory]
    [InlineData(RouterOptions.Degrade)]
    [InlineData(RouterOptions.Fail)]
    public async Task Before_anything_is_placed_requests_fail(string policy)
    {
        var work = Harness(policy, 2).Send(1, 0);
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => work.Completion.WaitAsync(Patience, Test));
        error.Error.Should().Be(RequestError.ExpertsUnavailable);
        error.Message.Should().Contain("nothing is placed yet");
    }

    [Fact]
    public async Task Patience_counts_from_the_loss_and_not_for_each_request()
    {
        var time = new FakeTimeProvider();
        var harness = Harness(RouterOptions.Degrade, 2, TimeSpan.FromSeconds(5), time);
        harness.Lane.Sent = call => call.Compute();
        harness.Publish(Ready(0, 1));
        var first = harness.Send(2, 0, 1);
        await LookedAtAsync(harness);
        time.Advance(TimeSpan.FromSeconds(4.9));
        var second = harness.Send(2, 0, 1);
        await LookedAtAsync(harness);
        (first.IsOver, second.IsOver).Should().Be((false, false));
        time.Advance(TimeSpan.FromSeconds(0.1));
        var third = harness.Send(2, 0, 1);
        await Task.WhenAll(first.Completion, second.Completion, third.Completion).WaitAsync(Patience, Test);
        third.Lost.ToArray().Should().Equal(false, true);

        harness.Publish(Ready(0, 1), Ready(1, 1));
        var whole = harness.Send(2, 0, 1);
        await whole.Completion.WaitAsync(Patience, Test);
        whole.Lost.IsEmpty.Should().BeTrue();
        harness.Publish(Ready(0, 1));
        var waits = harness.Send(2, 0, 1);
        await LookedAtAsync(harness);
        waits.IsOver.Should().BeFalse("this loss is a new one");
    }

    [Fact]
    public async Task Rows_on_their_way_to_a_replica_that_is_lost_are_left_out_when_they_come_back()
    {
        var harness = Harness(RouterOptions.Degrade, 2);
        harness.Publish(Ready(0, 1), Ready(1, 2));
        var work = harness.Send(2, 0, 1);
        foreach (var call in new[] { await harness.Lane.NextAsync(), await harness.Lane.NextAsync() })
        {
            if (call.Node == At(1))
            {
                call.Compute();
                continue;
            }

            harness.Publish(Ready(0, 1));
            call.Lose();
        }

        await work.Completion.WaitAsync(Patience, Test);
        work.Lost.ToArray().Should().Equal(false, true);
        work.Slots.Memory.Span[Hidden..].ToArray().Should().OnlyContain(value => value == 0);
    }

    /// <summary>Completes when the router has looked at what was sent before: it does that behind what is in its mailbox when it takes it.</summary>
    private static async Task LookedAtAsync(RouterHarness harness)
    {
        await harness.TakenAsync();
        await harness.TakenAsync();
    }

    private RouterHarness Harness(string policy, int experts, TimeSpan patience = default, TimeProvider? time = null) => new(
        Sys, experts, new RouterOptions { RetryBackoff = TimeSpan.FromMilliseconds(10), NoReplica = policy, NoReplicaPatience = patience }, time);
}
