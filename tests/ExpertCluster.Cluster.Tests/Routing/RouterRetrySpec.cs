using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;
using Microsoft.Extensions.Time.Testing;
using static ExpertCluster.Cluster.Tests.Routing.RouterHarness;

namespace ExpertCluster.Cluster.Tests.Routing;

public sealed class RouterRetrySpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public enum Trouble
    {
        Busy,
        NotHere,
        Expired,
        Failed,
        NodeLost,
    }

    [Theory]
    [InlineData(Trouble.Busy)]
    [InlineData(Trouble.NotHere)]
    [InlineData(Trouble.Expired)]
    [InlineData(Trouble.Failed)]
    [InlineData(Trouble.NodeLost)]
    public async Task Rows_that_one_replica_does_not_answer_go_to_another_at_once(Trouble trouble)
    {
        var harness = new RouterHarness(Sys, 1, new RouterOptions { RetryBackoff = TimeSpan.FromMinutes(1) });
        harness.Publish(Ready(0, 1), Ready(0, 2, 1));
        var work = harness.Send(1, 0, 0);
        var first = await harness.Lane.NextAsync();
        Make(first, trouble);
        var second = await harness.Lane.NextAsync();
        second.Node.Should().NotBe(first.Node);
        second.Rows.Should().Be(2);
        second.Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
        harness.Statistics.Retries.Should().Be(1);
    }

    [Theory]
    [InlineData(Trouble.Busy)]
    [InlineData(Trouble.NotHere)]
    [InlineData(Trouble.Expired)]
    [InlineData(Trouble.Failed)]
    [InlineData(Trouble.NodeLost)]
    public async Task Rows_of_an_only_replica_wait_for_a_placement_with_another(Trouble trouble)
    {
        var harness = new RouterHarness(Sys, 1, new RouterOptions { RetryBackoff = TimeSpan.FromMinutes(1) });
        harness.Publish(Ready(0, 1));
        var work = harness.Send(1, 0);
        Make(await harness.Lane.NextAsync(), trouble);
        harness.Publish(Ready(0, 2, 1));
        var second = await harness.Lane.NextAsync();
        second.Node.Should().Be(At(2));
        second.Epoch.Should().Be(2);
        second.Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task An_only_replica_is_asked_again_after_the_back_off()
    {
        var harness = new RouterHarness(Sys, 1);
        harness.Publish(Ready(0, 1));
        var work = harness.Send(1, 0);
        (await harness.Lane.NextAsync()).Refuse(SegmentStatus.NotHere);
        (await harness.Lane.NextAsync()).Lose();
        (await harness.Lane.NextAsync()).Refuse(SegmentStatus.Busy);
        (await harness.Lane.NextAsync()).Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task A_busy_replica_that_still_grants_rows_gets_that_many()
    {
        var harness = new RouterHarness(Sys, 1, new RouterOptions { RetryBackoff = TimeSpan.FromMinutes(1) });
        harness.Publish(Ready(0, 1));
        var work = harness.Send(1, new int[5]);
        (await harness.Lane.NextAsync()).Refuse(SegmentStatus.Busy, credits: 2);
        var next = await harness.Lane.NextAsync();
        next.Rows.Should().Be(2);
        next.Compute();
        (await harness.Lane.NextAsync()).Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task Only_the_segments_that_failed_are_sent_again()
    {
        var harness = new RouterHarness(Sys, 2);
        harness.Publish(Ready(0, 1), Ready(1, 1));
        var work = harness.Send(1, 0, 1, 1);
        (await harness.Lane.NextAsync()).Answer(s => new SegmentResult(s.Replica.Expert == 0 ? SegmentStatus.Done : SegmentStatus.NotHere, 10));
        var again = await harness.Lane.NextAsync();
        again.Segments.Should().ContainSingle().Which.Should().Be(new DispatchSegment(new ReplicaId(Layer, 1, 0), 2));
        again.Compute();
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task Rows_that_fail_three_times_end_their_request_with_the_reason()
    {
        var harness = new RouterHarness(Sys, 2);
        harness.Publish(Ready(0, 1), Ready(1, 2));
        var work = harness.Send(1, 0);
        var other = harness.Send(1, 1);
        for (var i = 0; i < 4; i++)
        {
            var call = await harness.Lane.NextAsync();
            if (call.Node == At(2))
            {
                call.Compute();
            }
            else
            {
                call.Refuse(SegmentStatus.Failed, detail: "out of memory");
            }
        }

        var error = await Assert.ThrowsAsync<RequestFailedException>(() => work.Completion.WaitAsync(Patience, Test));
        error.Error.Should().Be(RequestError.Internal);
        error.Message.Should().ContainAll("L03/E00/r0", "3 times", "out of memory");
        await other.Completion.WaitAsync(Patience, Test);
    }

    [Fact]
    public async Task Several_experts_that_fail_at_once_use_up_one_attempt_each()
    {
        var harness = new RouterHarness(Sys, 3);
        harness.Publish(Ready(0, 1), Ready(1, 1), Ready(2, 1));
        var work = harness.Send(1, 0, 1, 2);
        (await harness.Lane.NextAsync()).Refuse(SegmentStatus.Failed, detail: "a hiccup");
        for (var answered = 0; answered < 3;)
        {
            var call = await harness.Lane.NextAsync();
            answered += call.Rows;
            call.Compute();
        }

        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    [Fact]
    public async Task A_frame_that_stays_unanswered_goes_elsewhere_and_its_late_answer_is_dropped()
    {
        var time = new FakeTimeProvider();
        var harness = new RouterHarness(Sys, 1, new RouterOptions { AttemptTimeout = TimeSpan.FromSeconds(2) }, time);
        harness.Publish(Ready(0, 1), Ready(0, 2, 1));
        var work = harness.Send(1, 0);
        var silent = await harness.Lane.NextAsync();
        await harness.TakenAsync();
        time.Advance(TimeSpan.FromSeconds(2));
        var second = await harness.Lane.NextAsync();
        second.Node.Should().NotBe(silent.Node);
        second.Compute();
        silent.Refuse(SegmentStatus.Failed);
        await work.Completion.WaitAsync(Patience, Test);
        IsRight(work).Should().BeTrue();
    }

    private static void Make(LaneCall call, Trouble trouble)
    {
        switch (trouble)
        {
            case Trouble.Busy:
                call.Refuse(SegmentStatus.Busy);
                break;
            case Trouble.NotHere:
                call.Refuse(SegmentStatus.NotHere);
                break;
            case Trouble.Expired:
                call.Refuse(SegmentStatus.Expired);
                break;
            case Trouble.Failed:
                call.Refuse(SegmentStatus.Failed, detail: "it threw");
                break;
            default:
                call.Lose();
                break;
        }
    }
}
