namespace ExpertCluster.Client;

/// <summary>
/// What an application can ask of a cluster. Two implementations: <c>ExpertClusterClient</c> talks to gateways over the network,
/// and a node's own gateway answers in process. Both throw the same <see cref="ExpertClusterException"/> family.
/// </summary>
public interface IExpertClusterClient : IAsyncDisposable
{
    /// <summary>The models this cluster serves, with their sizes and how many of their experts are ready.</summary>
    Task<IReadOnlyList<ModelInfo>> ListModelsAsync(CancellationToken cancellationToken = default);

    /// <summary>Nodes, devices, experts held and tokens routed so far, for one model.</summary>
    /// <exception cref="ModelNotFoundException">No such model.</exception>
    Task<ClusterReport> GetClusterReportAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>Asks or orders something of the balancer or of a node, as the commands of the CLI do.</summary>
    /// <param name="verb">What, such as <c>status</c>, <c>history</c>, <c>drain</c>.</param>
    /// <param name="arguments">A JSON object; null for none.</param>
    /// <param name="cancellationToken">Gives up waiting; what was ordered may be done nonetheless.</param>
    /// <returns>A JSON object.</returns>
    /// <exception cref="InvalidRequestException">No such verb, or an argument that makes no sense; the message says which.</exception>
    Task<string> OperateAsync(string verb, string? arguments = null, CancellationToken cancellationToken = default);

    /// <summary>One forward pass over a whole sequence, without keeping a cache.</summary>
    /// <param name="model">A name that <see cref="ListModelsAsync"/> gives.</param>
    /// <param name="tokens">Token ids, <c>[S]</c>, 1 ≤ S ≤ the model's context.</param>
    /// <param name="options">Deadline, and an encoder–decoder's source; the defaults of the gateway where null.</param>
    /// <param name="cancellationToken">Frees the KV cache and the queue slot when signalled.</param>
    /// <returns>Next-token logits, float32 <c>[S, V]</c>.</returns>
    Task<FloatMatrix> ForwardAsync(
        string model, ReadOnlyMemory<int> tokens, RequestOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// The mixture-of-experts block of one layer: router, the chosen experts, weighted sum. Neither the norm before it nor the residual
    /// around it is included, and no attention.
    /// </summary>
    /// <param name="model">A name that <see cref="ListModelsAsync"/> gives.</param>
    /// <param name="layer">Zero-based layer index.</param>
    /// <param name="hidden">Rows entering the router, float32 <c>[T, H]</c>.</param>
    /// <param name="options">Deadline; the defaults of the gateway where null.</param>
    /// <param name="cancellationToken">Frees the queue slot when signalled.</param>
    /// <returns>float32 <c>[T, H]</c>.</returns>
    Task<FloatMatrix> ForwardLayerAsync(
        string model, int layer, FloatMatrix hidden, RequestOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Generates text. The last item carries <see cref="GeneratedToken.FinishReason"/>.</summary>
    /// <param name="request">Prompt, limits, sampling.</param>
    /// <param name="cancellationToken">Stops the sequence and frees its KV cache.</param>
    IAsyncEnumerable<GeneratedToken> GenerateAsync(GenerateRequest request, CancellationToken cancellationToken = default);
}
