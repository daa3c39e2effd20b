using System.Diagnostics;

namespace ExpertCluster.Cli.Benchmarks;

/// <summary>The tokens of an answer, and when each came, counted from the moment its round began.</summary>
internal sealed class TimedAnswer(long started)
{
    private readonly List<int> _tokens = [];
    private readonly List<TimeSpan> _times = [];

    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Of each token.</summary>
    public IReadOnlyList<TimeSpan> Times => _times;

    /// <summary>Milliseconds between each token and the one before it.</summary>
    public IEnumerable<double> Gaps => _times.Skip(1).Zip(_times, (later, earlier) => (later - earlier).TotalMilliseconds);

    public void Add(int token)
    {
        _tokens.Add(token);
        _times.Add(Stopwatch.GetElapsedTime(started));
    }
}
