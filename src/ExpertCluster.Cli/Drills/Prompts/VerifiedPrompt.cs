namespace ExpertCluster.Cli.Drills.Prompts;

/// <summary>A prompt whose greedy answer is known.</summary>
/// <param name="Tokens">The prompt's token ids.</param>
/// <param name="Answer">What one process without a cluster answered, greedily and in float32.</param>
/// <param name="Margin">The least distance between the two highest logits over all positions of the answer.</param>
internal sealed record VerifiedPrompt(IReadOnlyList<int> Tokens, IReadOnlyList<int> Answer, float Margin);
