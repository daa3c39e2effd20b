using static ExpertCluster.Cli.Benchmarks.RoundStatistics;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>All rounds of one variant at one concurrency.</summary>
internal sealed class GenerateBenchmarkSeries(int concurrency, string variant)
{
    private readonly List<double> _tokensPerSecond = [];
    private readonly List<double> _firstTokenMs = [];
    private readonly List<double> _gapP50Ms = [];
    private readonly List<double> _gapP99Ms = [];

    public int Concurrency { get; } = concurrency;

    public string Variant { get; } = variant;

    /// <summary>Tokens of each answer of the first round.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Answers { get; private set; } = [];

    /// <summary>Whether every round gave the answers of the first one.</summary>
    public bool IsRepeatable { get; private set; } = true;

    /// <summary>Of each timed round.</summary>
    public IReadOnlyList<double> TokensPerSecond => _tokensPerSecond;

    /// <summary>Median over the requests of a round, then over rounds.</summary>
    public double FirstTokenMs => Median(_firstTokenMs);

    /// <summary>Median of the gaps between tokens within a round, then over rounds.</summary>
    public double GapP50Ms => Median(_gapP50Ms);

    /// <summary>99th percentile of the gaps between tokens within a round, then the median over rounds.</summary>
    public double GapP99Ms => Median(_gapP99Ms);

    /// <summary>Takes a round.</summary>
    public void Add(IReadOnlyList<TimedAnswer> answers, bool timed)
    {
        if (Answers.Count == 0)
        {
            Answers = [.. answers.Select(a => a.Tokens)];
        }
        else
        {
            IsRepeatable &= SameAnswers(answers.Select(a => a.Tokens));
        }

        if (timed)
        {
            double[] gaps = [.. answers.SelectMany(a => a.Gaps)];
            _tokensPerSecond.Add(answers.Sum(a => a.Tokens.Count) / answers.Max(a => a.Times[^1]).TotalSeconds);
            _firstTokenMs.Add(Median(answers.Select(a => a.Times[0].TotalMilliseconds)));
            _gapP50Ms.Add(Percentile(gaps, 0.5));
            _gapP99Ms.Add(Percentile(gaps, 0.99));
        }
    }

    /// <summary>Whether these are the answers of the first round, token by token.</summary>
    public bool SameAnswers(IEnumerable<IReadOnlyList<int>> answers) => Answers.Zip(answers).All(pair => pair.First.SequenceEqual(pair.Second));
}
