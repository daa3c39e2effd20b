using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Routing;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using static ExpertCluster.Cluster.Tests.Routing.RouterHarness;

namespace ExpertCluster.Cluster.Tests.Routing;

public sealed class RouterBatchingSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_of_concurrent_requests_for_one_replica_travel_in_one_frame()
    {
        var harness = new RouterHarness(Sys, 2);
        var first = harness.Send(1, 0, 1, 0);
        var second = harness.Send(1, 0, 0);
        await harness.TakenAsync();
        harness.Publish(Ready(0, 1), Ready(1, 1));

        var call = await harness.Lane.NextAsync();
        call.Segments.Should().Equal(new DispatchSegment(new ReplicaId(Layer, 0, 0), 4), new DispatchSegment(new ReplicaId(Layer, 1, 0), 1));
        call.Epoch.Should().Be(1);
        call.Compute();
        await Task.WhenAll(first.Completion, second.Completion).WaitAsync(Patience, Test);
        IsRight(first).Should().BeTrue();
        IsRight(second).Should().BeTrue();
        harness.Statistics.Frames.Should().Be(1);
        harness.Statistics.Rows().Should().Equal(4, 1);
        harness.Statistics.Retries.Should().Be(0);
    }

    [Fact]
    public async Task Each_node_gets_one_frame_for_all_its_experts()
    {
        var harness = new RouterHarness(Sys, 4);
        harness.Publish(Ready(0, 1), Ready(1, 2), Ready(2, 1), Ready(3, 2));
        var work = harness.Send(2, 0, 1, 2, 3, 3, 0);
        var calls = new[] { await harness.Lane.NextAsync(), await harness.Lane.NextAsync() }.OrderBy(c => c.Node).ToArray();
        calls.Select(c => c.Node).Should().Equal(At(1), At(2));
        calls[0].Segments.Select(s => (s.Replica.Expert, s.Rows)).Should().Equal((0, 2), (2, 1));
        calls[1].Segments.Select(s => (s.Replica.Expert, s.Rows)).Should().Equal((1, 1), (3, 2));
        calls[1].Compute();
        work.IsOver.Should().BeFalse();
        calls[0].Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
        harness.Lane.TryNext().Should().BeNull();
    }

    [Fact]
    public async Task A_frame_never_holds_more_rows_than_allowed()
    {
        var harness = new RouterHarness(Sys, 3, new RouterOptions { MaxFrameRows = 4 });
        harness.Publish(Ready(0, 1), Ready(1, 1), Ready(2, 1));
        var work = harness.Send(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2);
        var left = 12;
        while (left > 0)
        {
            var call = await harness.Lane.NextAsync();
            call.Rows.Should().BeInRange(1, 4);
            left -= call.Rows;
            call.Compute();
        }

        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
        harness.Statistics.Frames.Should().BeLessThanOrEqualTo(4);
    }

    [Fact]
    public async Task No_more_rows_are_in_flight_than_a_replica_granted()
    {
        var harness = new RouterHarness(Sys, 1, new RouterOptions { InitialCredits = 4 });
        harness.Publish(Ready(0, 1));
        var work = harness.Send(1, new int[10]);
        var call = await harness.Lane.NextAsync();
        call.Rows.Should().Be(4);
        await harness.TakenAsync();
        harness.Lane.TryNext().Should().BeNull("four of four rows are under way");

        call.Compute(credits: 2);
        call = await harness.Lane.NextAsync();
        call.Rows.Should().Be(2);
        call.Compute(credits: 0);
        call = await harness.Lane.NextAsync();
        call.Rows.Should().Be(1, "a replica that holds nothing of ours is asked again");
        call.Compute(credits: 3);
        (await harness.Lane.NextAsync()).Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task Rows_spread_over_the_replicas_of_a_busy_expert()
    {
        var harness = new RouterHarness(Sys, 1, new RouterOptions { InitialCredits = 4 });
        harness.Publish(Ready(0, 1), Ready(0, 2, 1));
        var work = harness.Send(1, new int[7]);
        var calls = new[] { await harness.Lane.NextAsync(), await harness.Lane.NextAsync() };
        calls.Select(c => c.Rows).Order().Should().Equal(3, 4);
        calls.Select(c => c.Node).Should().BeEquivalentTo([At(1), At(2)]);
        Array.ForEach(calls, c => c.Compute());
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task A_local_replica_goes_before_a_remote_one()
    {
        var harness = new RouterHarness(Sys, 1);
        harness.Publish(Ready(0, 1), Ready(0, 0, 1), Ready(0, 2, 2));
        harness.Send(1, 0);
        (await harness.Lane.NextAsync()).Node.Should().Be(At(0));
    }

    [Theory]
    [InlineData(ReplicaState.Assigned)]
    [InlineData(ReplicaState.Loading)]
    [InlineData(ReplicaState.Draining)]
    public async Task Only_ready_replicas_are_sent_to(ReplicaState state)
    {
        var harness = new RouterHarness(Sys, 1);
        harness.Publish(Ready(0, 0) with { State = state }, Ready(0, 2, 1));
        harness.Send(1, 0);
        (await harness.Lane.NextAsync()).Node.Should().Be(At(2));
    }

    [Fact]
    public async Task The_frame_carries_the_latest_deadline_of_its_rows()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var harness = new RouterHarness(Sys, 1, time: time);
        harness.Send(TimeSpan.FromSeconds(5), 1, 0);
        harness.Send(TimeSpan.FromSeconds(9), 1, 0);
        await harness.TakenAsync();
        harness.Publish(Ready(0, 1));
        (await harness.Lane.NextAsync()).Remaining.Should().Be(TimeSpan.FromSeconds(9));
    }

    [Fact]
    public async Task A_node_that_is_behind_gets_rows_of_several_requests_together_with_its_next_answer()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var harness = new RouterHarness(Sys, 1, new RouterOptions { FramesInFlight = 2 }, time);
        harness.Publish(Ready(0, 1));
        List<RouteWork> works = [];
        for (var i = 0; i < 5; i++)
        {
            works.Add(harness.Send(1, 0));
            await harness.TakenAsync();
        }

        var first = await harness.Lane.NextAsync();
        var second = await harness.Lane.NextAsync();
        harness.Lane.TryNext().Should().BeNull("two frames are under way");
        first.Compute();
        var third = await harness.Lane.NextAsync();
        third.Rows.Should().Be(3);
        second.Compute();
        third.Compute();
        await Task.WhenAll(works.Select(work => work.Completion)).WaitAsync(Patience, Test);
        works.Should().OnlyContain(work => IsRight(work));
        harness.Statistics.Frames.Should().Be(3);
    }

    [Theory]
    [InlineData(60_000, 5)]
    [InlineData(20, 2)]
    public async Task Rows_wait_for_company_no_longer_than_the_window_or_a_tenth_of_their_time(int deadlineMs, int longestMs)
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var harness = new RouterHarness(
            Sys, 1, new RouterOptions { FramesInFlight = 1, BatchWindow = TimeSpan.FromMilliseconds(5) }, time);
        harness.Publish(Ready(0, 1));
        harness.Send(1, 0);
        await harness.Lane.NextAsync();
        harness.Send(TimeSpan.FromMilliseconds(deadlineMs), 1, 0);
        await harness.TakenAsync();
        time.Advance(TimeSpan.FromMilliseconds(longestMs) - TimeSpan.FromTicks(1));
        await harness.TakenAsync();
        harness.Lane.TryNext().Should().BeNull();
        time.Advance(TimeSpan.FromTicks(1));
        (await harness.Lane.NextAsync()).Rows.Should().Be(1);
    }

    [Fact]
    public async Task A_replica_on_a_node_that_is_not_behind_goes_first()
    {
        var harness = new RouterHarness(Sys, 1, new RouterOptions { FramesInFlight = 1 }, new Microsoft.Extensions.Time.Testing.FakeTimeProvider());
        harness.Publish(Ready(0, 0), Ready(0, 1, 1));
        harness.Send(1, 0);
        (await harness.Lane.NextAsync()).Node.Should().Be(At(0), "it is local");
        harness.Send(1, 0);
        (await harness.Lane.NextAsync()).Node.Should().Be(At(1));
    }
}
