namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>An entry of <c>added_tokens</c>: text that becomes one id before anything else looks at it.</summary>
internal sealed record AddedToken
{
    public required int Id { get; init; }

    public required string Content { get; init; }

    /// <summary>A control token, left out of decoded text.</summary>
    public bool Special { get; init; }

    /// <summary>Matched in the normalised text rather than in the raw one.</summary>
    public bool Normalized { get; init; }

    /// <summary>Takes the whitespace before it along.</summary>
    public bool LStrip { get; init; }

    /// <summary>Takes the whitespace after it along.</summary>
    public bool RStrip { get; init; }

    /// <summary>Matches only where no word character touches it.</summary>
    public bool SingleWord { get; init; }
}
