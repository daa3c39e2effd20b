using ExpertCluster.Models.Generation;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>A generation as a gateway takes it.</summary>
/// <param name="Id">Request id.</param>
/// <param name="Prompt">Prompt tokens, at least one.</param>
/// <param name="MaxTokens">The most tokens to generate, at least 1.</param>
/// <param name="Sampling">How to choose each.</param>
/// <param name="Stop">Texts that end it.</param>
/// <param name="Resume">Tokens another gateway generated already.</param>
/// <param name="Deadline">How long it may take; the gateway's default where null.</param>
public sealed record GenerationRequest(
    string Id, IReadOnlyList<int> Prompt, int MaxTokens, SamplingOptions Sampling, IReadOnlyList<string> Stop, IReadOnlyList<int> Resume,
    TimeSpan? Deadline = null)
{
    /// <summary>Whose request it is. Clients share the gateway evenly, however many requests each has; those without a name count as one.</summary>
    public string Client { get; init; } = "";
}
