namespace ExpertCluster.Client;

/// <summary>One step of a generation.</summary>
public sealed record GeneratedToken
{
    /// <summary>Position in the generated text, from 0, counting resumed tokens.</summary>
    public required int Index { get; init; }

    /// <summary>The token's id; −1 on an item that only carries the finish reason or the text that was held back.</summary>
    public required int Id { get; init; }

    /// <summary>
    /// The text this token adds. May be empty: bytes of an unfinished character and a possible beginning of a stop text are held back.
    /// </summary>
    public required string Text { get; init; }

    /// <summary>Set on the last item only.</summary>
    public FinishReason? FinishReason { get; init; }

    /// <summary>Number of prompt tokens; set on the last item.</summary>
    public int PromptTokens { get; init; }

    /// <summary>
    /// Whether it was computed without some experts, since these had no replica and the gateway's <c>ExpertCluster:Router:NoReplica</c> is
    /// <c>degrade</c>: itself, or an earlier token of prompt or answer that its attention reads.
    /// </summary>
    public bool IsDegraded { get; init; }
}
