using Akka.Actor;
using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using Microsoft.Extensions.Time.Testing;
using static ExpertCluster.Cluster.Tests.Routing.RouterHarness;

namespace ExpertCluster.Cluster.Tests.Routing;

public sealed class RouterDeadlineSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Experts_without_a_replica_at_the_deadline_are_named_with_the_reason()
    {
        var harness = new RouterHarness(Sys, 4, time: _time);
        harness.Publish("no node has room", Ready(1, 1));
        var work = harness.Send(TimeSpan.FromSeconds(5), 1, 3, 0, 1);
        (await harness.Lane.NextAsync()).Compute();
        _time.Advance(TimeSpan.FromSeconds(5));
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => work.Completion.WaitAsync(Patience, Test));
        error.Error.Should().Be(RequestError.ExpertsUnavailable);
        error.Message.Should().ContainAll("Experts 0, 3 of m layer 3", "no node has room");
    }

    [Fact]
    public async Task All_experts_are_unavailable_while_nothing_is_placed()
    {
        var harness = new RouterHarness(Sys, 2, time: _time);
        var work = harness.Send(TimeSpan.FromSeconds(5), 1, 1, 0);
        await harness.TakenAsync();
        _time.Advance(TimeSpan.FromSeconds(6));
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => work.Completion.WaitAsync(Patience, Test));
        error.Error.Should().Be(RequestError.ExpertsUnavailable);
        error.Message.Should().Contain("Experts 0, 1");
    }

    [Fact]
    public async Task A_deadline_that_passes_while_replicas_compute_says_how_much_is_unanswered()
    {
        var harness = new RouterHarness(Sys, 2, time: _time);
        harness.Publish(Ready(0, 1), Ready(1, 2));
        var work = harness.Send(TimeSpan.FromSeconds(5), 1, 0, 0, 1);
        var (first, second) = (await harness.Lane.NextAsync(), await harness.Lane.NextAsync());
        (first.Rows == 1 ? first : second).Compute();
        await harness.TakenAsync();
        await AwaitConditionAsync(() => Task.FromResult(harness.Statistics.Rows()[1] == 1), Patience, cancellationToken: Test);
        _time.Advance(TimeSpan.FromSeconds(5));
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => work.Completion.WaitAsync(Patience, Test));
        error.Error.Should().Be(RequestError.DeadlineExceeded);
        error.Message.Should().Contain("2 of 3");
        (first.Rows == 2 ? first : second).Compute();
    }

    [Fact]
    public async Task A_deadline_that_has_not_passed_ends_nothing()
    {
        var harness = new RouterHarness(Sys, 1, time: _time);
        var work = harness.Send(TimeSpan.FromSeconds(5), 1, 0);
        await harness.TakenAsync();
        _time.Advance(TimeSpan.FromSeconds(4.9));
        harness.Publish(Ready(0, 1));
        (await harness.Lane.NextAsync()).Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task Cancelled_work_is_not_sent()
    {
        var harness = new RouterHarness(Sys, 1);
        var cancelled = harness.Send(1, 0, 0);
        var other = harness.Send(1, 0);
        await harness.TakenAsync();
        cancelled.Cancel(new CancellationToken(true));
        harness.Publish(Ready(0, 1));
        var call = await harness.Lane.NextAsync();
        call.Rows.Should().Be(1);
        call.Compute();
        await other.Completion.WaitAsync(Patience, Test);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Completion);
    }

    [Fact]
    public async Task Answers_to_cancelled_work_free_credits_and_are_dropped()
    {
        var harness = new RouterHarness(Sys, 1, new RouterOptions { InitialCredits = 2 });
        harness.Publish(Ready(0, 1));
        var cancelled = harness.Send(1, 0, 0);
        var call = await harness.Lane.NextAsync();
        cancelled.Slots.Memory.Span.Clear();
        cancelled.Cancel(new CancellationToken(true));
        var other = harness.Send(1, 0, 0);
        await harness.TakenAsync();
        harness.Lane.TryNext().Should().BeNull();
        call.Compute(credits: 2);
        (await harness.Lane.NextAsync()).Compute();
        await other.Completion.WaitAsync(Patience, Test);
        cancelled.Slots.Memory.ToArray().Should().AllBeEquivalentTo(0f);
        IsRight(other).Should().BeTrue();
    }

    [Fact]
    public async Task Nothing_ticks_while_nothing_is_under_way()
    {
        var harness = new RouterHarness(Sys, 1);
        var router = ActorOfAsTestActorRef<RouterActor>(harness.Props);
        harness.Router = router;
        router.UnderlyingActor.Timers.IsTimerActive("Tick").Should().BeFalse();

        var work = harness.Send(1, 0);
        await AwaitConditionAsync(() => Task.FromResult(router.UnderlyingActor.Timers.IsTimerActive("Tick")), Patience, cancellationToken: Test);
        harness.Publish(Ready(0, 1));
        (await harness.Lane.NextAsync()).Compute();
        await work.Completion.WaitAsync(Patience, Test);
        await AwaitConditionAsync(() => Task.FromResult(!router.UnderlyingActor.Timers.IsTimerActive("Tick")), Patience, cancellationToken: Test);

        var cancelled = harness.Send(1, 0);
        await harness.Lane.NextAsync();
        cancelled.Cancel(new CancellationToken(true));
        await AwaitConditionAsync(() => Task.FromResult(!router.UnderlyingActor.Timers.IsTimerActive("Tick")), Patience, cancellationToken: Test);
    }

    [Fact]
    public async Task Work_ends_when_its_router_stops()
    {
        var harness = new RouterHarness(Sys, 1);
        var work = harness.Send(1, 0);
        await harness.Router.GracefulStop(Patience);
        (await Assert.ThrowsAsync<RequestFailedException>(() => work.Completion.WaitAsync(Patience, Test)))
            .Error.Should().Be(RequestError.GatewayUnavailable);
    }

    [Fact]
    public async Task Work_without_rows_is_complete_at_once()
    {
        var work = new RouterHarness(Sys, 1).Send(1);
        await work.Completion;
    }
}
