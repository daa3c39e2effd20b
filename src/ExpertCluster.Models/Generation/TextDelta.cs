namespace ExpertCluster.Models.Generation;

/// <summary>What one token added to the text.</summary>
/// <param name="Text">Text that is final and can be shown; often empty while characters or stop texts are incomplete.</param>
/// <param name="Stopped">A stop text is complete: generation is over. Neither it nor what follows is in any delta.</param>
public readonly record struct TextDelta(string Text, bool Stopped);
