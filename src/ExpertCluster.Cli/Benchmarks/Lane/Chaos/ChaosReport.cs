namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>What one process of a chaos run says at its end.</summary>
internal sealed record ChaosReport
{
    public string Role { get; init; } = "";

    public long Calls { get; set; }

    public long Answered { get; set; }

    /// <summary>By the exception's name.</summary>
    public SortedDictionary<string, long> Failed { get; init; } = [];

    public long Wrong { get; set; }

    /// <summary>Answers that bad peers read slowly.</summary>
    public long SlowAnswers { get; set; }

    /// <summary>Those of them that were wrong.</summary>
    public long SlowWrong { get; set; }

    public long Unfinished { get; set; }

    public long AnsweredBytes { get; set; }

    /// <summary>The fewest answers in a whole second; −1 where nothing was measured.</summary>
    public long FewestPerSecond { get; set; } = -1;

    public double LongestGapMs { get; set; }

    /// <summary>Links this process had opened and lost before it was told to stop.</summary>
    public int LinksLost { get; set; }

    public int AcceptedLost { get; set; }

    public int TurnedAway { get; set; }

    /// <summary>Errors logged.</summary>
    public int Trouble { get; set; }

    public int LongestQueueFrames { get; set; }

    public long LongestQueueBytes { get; set; }

    public long ResidentMarked { get; set; }

    public long ResidentEnd { get; set; }

    /// <summary>Of that memory, buffers that nobody uses at the moment.</summary>
    public long BuffersKeptMarked { get; set; }

    public long BuffersKeptEnd { get; set; }

    public long BuffersLeft { get; set; }

    public int SocketsLeft { get; set; }

    public int LinksLeft { get; set; }

    public int InFlightLeft { get; set; }

    /// <summary>Bad connections by what was bad about them.</summary>
    public SortedDictionary<string, long> Bad { get; init; } = [];

    /// <summary>Those of them that the other end had not closed in time.</summary>
    public SortedDictionary<string, long> NotDropped { get; init; } = [];
}
