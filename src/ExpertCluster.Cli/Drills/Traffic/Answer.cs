namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>One request of the drill, over.</summary>
/// <param name="Due">When it was due, seconds since the drill's clock began: latency counts from here, so that a cluster that keeps
/// requests waiting is not spared.</param>
/// <param name="Ended">When its answer was complete, or its error came.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Error">The error's code and message; null where it was answered.</param>
internal sealed record Answer(double Due, double Ended, AnswerOutcome Outcome, string? Error)
{
    /// <summary>From due to ended, in milliseconds.</summary>
    public double LatencyMs => (Ended - Due) * 1000;
}
