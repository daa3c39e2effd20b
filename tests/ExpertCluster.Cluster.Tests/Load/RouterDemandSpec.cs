using Akka.TestKit.Xunit;
using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Tests.Routing;
using ExpertCluster.Transport;
using Microsoft.Extensions.Time.Testing;
using static ExpertCluster.Cluster.Tests.Routing.RouterHarness;

namespace ExpertCluster.Cluster.Tests.Load;

public sealed class RouterDemandSpec(ITestOutputHelper output) : TestKit("akka.loglevel = ERROR", output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_choices_are_counted_once_when_they_are_answered_however_often_they_were_sent()
    {
        var harness = new RouterHarness(Sys, 2, new RouterOptions { RetryBackoff = TimeSpan.FromMinutes(1) });
        harness.Publish(Ready(0, 1), Ready(0, 2, 1), Ready(0, 3, 2), Ready(1, 1));
        var work = harness.Send(2, 0, 1, 0, 1, 0, 1);
        var answered = 0;
        for (var attempt = 0; answered < 6; attempt++)
        {
            var call = await harness.Lane.NextAsync();
            if (attempt < 2 && call.Segments.Any(s => s.Replica.Expert == 0))
            {
                harness.Statistics.PrefillRows(0).Should().Be(0, "nothing of it was answered");
                call.Answer(s => new SegmentResult(s.Replica.Expert == 0 ? SegmentStatus.Busy : SegmentStatus.Done, s.Replica.Expert == 0 ? 0 : 1000));
                answered += call.Segments.Where(s => s.Replica.Expert != 0).Sum(s => s.Rows);
            }
            else
            {
                call.Compute();
                answered += call.Rows;
            }
        }

        await work.Completion.WaitAsync(Patience, Test);
        harness.Statistics.Retries.Should().BePositive();
        harness.Statistics.Rows().Should().Equal(3, 3);
        harness.Statistics.DecodeRows(0).Should().Be(0, "nothing was said of generated tokens");
    }

    [Fact]
    public async Task An_answer_that_comes_after_its_rows_went_elsewhere_does_not_count()
    {
        var time = new FakeTimeProvider();
        var harness = new RouterHarness(Sys, 1, new RouterOptions { AttemptTimeout = TimeSpan.FromSeconds(1) }, time);
        harness.Publish(Ready(0, 1), Ready(0, 2, 1));
        var work = harness.Send(1, 0, 0, 0);
        var first = await harness.Lane.NextAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        var second = await harness.Lane.NextAsync();
        first.Compute();
        second.Compute();
        await work.Completion.WaitAsync(Patience, Test);
        await harness.TakenAsync();
        harness.Statistics.Rows().Should().Equal(3);
    }
}
