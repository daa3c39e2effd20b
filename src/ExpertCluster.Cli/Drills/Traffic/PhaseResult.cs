using static ExpertCluster.Cli.Benchmarks.RoundStatistics;

namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>What the traffic of one phase came to. A request belongs to the phase in which it was due.</summary>
/// <param name="Name">control, during or after.</param>
/// <param name="Seconds">Length.</param>
/// <param name="Sent">Requests due in it.</param>
/// <param name="Answered">Those answered in full, every token compared.</param>
/// <param name="Failed">Those that ended in an error.</param>
/// <param name="Degraded">Answers marked as given without some expert.</param>
/// <param name="Wrong">Answers with another token than the solo run's.</param>
/// <param name="Retries">Segments that the gateways' routers sent again, as far as the gateway that was asked counted them.</param>
/// <param name="P50Ms">Median time from due to answered.</param>
/// <param name="P99Ms">Its 99th percentile.</param>
/// <param name="LongestMs">The longest.</param>
/// <param name="LongestGapSeconds">The longest time in which no token came for anybody.</param>
/// <param name="Errors">A few of the errors, each kind with its number.</param>
internal sealed record PhaseResult(
    string Name, double Seconds, int Sent, int Answered, int Failed, int Degraded, int Wrong, long Retries, double P50Ms, double P99Ms,
    double LongestMs, double LongestGapSeconds, IReadOnlyList<string> Errors)
{
    private const int MostErrors = 5;

    /// <summary>Sums up a phase.</summary>
    public static PhaseResult Of(PhaseSpan span, TrafficLog log, long retries)
    {
        var answers = log.Answers(span.From, span.To);
        double[] latencies = [.. answers.Where(a => a.Outcome != AnswerOutcome.Failed).Select(a => a.LatencyMs)];
        var errors = answers.Where(a => a.Error is not null).GroupBy(a => (a.Outcome, Code: a.Error!.Split(':')[0]))
            .Select(g => $"{g.Count()} × {g.First().Error}").Take(MostErrors);

        // No answer of this version is given without an expert: a gateway waits, and then fails the request.
        const int Degraded = 0;
        return new PhaseResult(
            span.Name, span.Seconds, answers.Count, latencies.Length, answers.Count(a => a.Outcome == AnswerOutcome.Failed), Degraded,
            answers.Count(a => a.Outcome == AnswerOutcome.Wrong), retries, Percentile(latencies, 0.5), Percentile(latencies, 0.99),
            latencies.DefaultIfEmpty(double.NaN).Max(), LongestGap.Seconds(log.Tokens(span.From, span.To), span.From, span.To), [.. errors]);
    }
}
