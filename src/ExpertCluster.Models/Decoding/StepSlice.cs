namespace ExpertCluster.Models;

/// <summary>What one sequence contributes to a step.</summary>
/// <param name="Sequence">The sequence; at most once per step.</param>
/// <param name="Tokens">New token ids, at least one, continuing where the sequence ends.</param>
/// <param name="Logits">For which of them logits are wanted.</param>
/// <param name="Encode">Whether the tokens are the source, whole, which an encoder–decoder reads before anything else.</param>
public sealed record StepSlice(DecoderSequence Sequence, ReadOnlyMemory<int> Tokens, LogitsWanted Logits, bool Encode = false)
{
    /// <summary>Whether the sequence generated these tokens itself; see <see cref="RoutedRows.Generated"/>.</summary>
    public bool Generated { get; init; }
}
