namespace ExpertCluster.Client;

/// <summary>What every call may carry.</summary>
public sealed record RequestOptions
{
    /// <summary>How long the whole call may take, up to a day. Where null: over the network <c>ExpertClusterClientOptions.RequestDeadline</c>
    /// (60 s), in process the gateway's <c>ExpertCluster:Gateway:DefaultDeadline</c> (120 s).</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Names the request in logs on every node it touches; a new one is made where null.</summary>
    public string? RequestId { get; init; }

    /// <summary>
    /// Whose request it is, at most 128 printable ASCII characters. A gateway shares its places, its queue and the tokens of prompts evenly among
    /// clients, however many requests each has; all that give no name count as one. Not an identity: nobody checks it.
    /// </summary>
    public string? Client { get; init; }

    /// <summary>Told where the time of a layer call went, before the call returns; not called by other calls, nor by gateways too old to say.</summary>
    public Action<LayerTiming>? Timed { get; init; }

    /// <summary>
    /// Called before a forward pass or a layer call returns where some of its rows were computed without some of their experts, since these had
    /// no replica and the gateway's <c>ExpertCluster:Router:NoReplica</c> is <c>degrade</c>. Generations mark their tokens instead
    /// (<see cref="GeneratedToken.IsDegraded"/>).
    /// </summary>
    public Action? Degraded { get; init; }

    /// <summary>
    /// For a forward pass of an encoder–decoder: the token ids that its encoder reads, <c>[R]</c>; the pass's own tokens then go through the
    /// decoder. Empty for a decoder-only model.
    /// </summary>
    public ReadOnlyMemory<int> Source { get; init; }
}
