namespace ExpertCluster.Cli.Drills.Traffic;

/// <summary>What became of a request.</summary>
internal enum AnswerOutcome
{
    /// <summary>Every token is that of the solo run.</summary>
    Right,

    /// <summary>Answered in full, with a token that the solo run did not give.</summary>
    Wrong,

    /// <summary>No full answer.</summary>
    Failed,
}
