using Microsoft.Extensions.Logging;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>Counts what a lane logs.</summary>
internal sealed class CountingLogger : ILogger
{
    private int _lost;
    private int _turnedAway;
    private int _acceptedLost;
    private int _trouble;

    /// <summary>Links this side had opened and lost.</summary>
    public int Lost => Volatile.Read(ref _lost);

    /// <summary>Links others had opened that ended otherwise than by shutting down.</summary>
    public int AcceptedLost => Volatile.Read(ref _acceptedLost);

    /// <summary>Connections that never became a link.</summary>
    public int TurnedAway => Volatile.Read(ref _turnedAway);

    /// <summary>Errors: a frame that could not be answered, a listener that stopped.</summary>
    public int Trouble => Volatile.Read(ref _trouble);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        switch (eventId.Id)
        {
            case 2002:
                Interlocked.Increment(ref _lost);
                break;
            case 2004:
                Interlocked.Increment(ref _turnedAway);
                break;
            case 2006:
                Interlocked.Increment(ref _acceptedLost);
                break;
            default:
                Interlocked.Add(ref _trouble, logLevel >= LogLevel.Error ? 1 : 0);
                break;
        }
    }
}
