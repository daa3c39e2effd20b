using ExpertCluster.Cli.Drills.Traffic;

namespace ExpertCluster.EndToEnd.Tests.Drills;

public sealed class PhaseResultSpec
{
    [Fact]
    public void A_request_belongs_to_the_phase_in_which_it_was_due()
    {
        var log = new TrafficLog();
        log.Add(new Answer(9.9, 12, AnswerOutcome.Wrong, "before"));
        log.Add(new Answer(10, 10.1, AnswerOutcome.Right, null));
        log.Add(new Answer(19, 23, AnswerOutcome.Right, null));
        log.Add(new Answer(15, 16, AnswerOutcome.Wrong, "[1] in place of [2]"));
        log.Add(new Answer(16, 17, AnswerOutcome.Failed, "queue_full: full"));
        log.Add(new Answer(20, 21, AnswerOutcome.Failed, "after"));
        log.Token(12);
        log.Token(16);

        var result = PhaseResult.Of(new PhaseSpan("during", 10, 20), log, retries: 3);
        (result.Sent, result.Answered, result.Failed, result.Wrong, result.Retries).Should().Be((4, 3, 1, 1, 3));
        result.P50Ms.Should().BeApproximately(1000, 1e-6);
        result.P99Ms.Should().BeApproximately(4000, 1e-6);
        result.LongestGapSeconds.Should().Be(4);
        result.Errors.Should().BeEquivalentTo("1 × [1] in place of [2]", "1 × queue_full: full");
    }
}
