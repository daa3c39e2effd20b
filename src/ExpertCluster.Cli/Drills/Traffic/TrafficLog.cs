namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>What the traffic saw: answers, and the moment of every token.</summary>
internal sealed class TrafficLog
{
    private readonly Lock _gate = new();
    private readonly List<Answer> _answers = [];
    private readonly List<double> _tokens = [];

    /// <summary>A token came.</summary>
    public void Token(double at)
    {
        lock (_gate)
        {
            _tokens.Add(at);
        }
    }

    /// <summary>A request is over.</summary>
    public void Add(Answer answer)
    {
        lock (_gate)
        {
            _answers.Add(answer);
        }
    }

    /// <summary>Right answers of requests that were due in this time.</summary>
    public int Verified(double from, double to)
    {
        lock (_gate)
        {
            return _answers.Count(a => a.Outcome == AnswerOutcome.Right && a.Due >= from && a.Due < to);
        }
    }

    /// <summary>Requests that were due in this time.</summary>
    public IReadOnlyList<Answer> Answers(double from, double to)
    {
        lock (_gate)
        {
            return [.. _answers.Where(a => a.Due >= from && a.Due < to)];
        }
    }

    /// <summary>Moments of the tokens of this time.</summary>
    public IReadOnlyList<double> Tokens(double from, double to)
    {
        lock (_gate)
        {
            return [.. _tokens.Where(t => t >= from && t < to)];
        }
    }
}
