using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>A forward pass over one sequence.</summary>
/// <param name="Id">Request id.</param>
/// <param name="Tokens">Token ids, at least one.</param>
/// <param name="TokenByToken">Feeds one token a step through the KV cache instead of large pieces.</param>
/// <param name="Capture">Collects hidden states and router logits; the pass then computes alone and in one piece.</param>
/// <param name="Deadline">How long it may take; the gateway's default where null.</param>
/// <param name="Source">What an encoder–decoder's encoder reads; <paramref name="Tokens"/> then go through its decoder.</param>
public sealed record ForwardRequest(
    string Id, IReadOnlyList<int> Tokens, bool TokenByToken = false, StepCapture? Capture = null, TimeSpan? Deadline = null,
    IReadOnlyList<int>? Source = null)
{
    /// <summary>Whose request it is. Clients share the gateway evenly, however many requests each has; those without a name count as one.</summary>
    public string Client { get; init; } = "";

    /// <summary>Called before the answer where some of its tokens were computed without some of their experts.</summary>
    public Action? Degraded { get; init; }
}
